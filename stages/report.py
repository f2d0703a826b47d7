"""Show and explain all results in one HTML file."""

import json
from typing import Any

import pandas as pd

from softmax.core import data, model
from softmax.core.data import Dataset
from softmax.errors import exits_cleanly
from softmax.page import images, lecture, report, weights
from softmax.pipeline import catalog, files, params, paths, recorder
from softmax.pipeline.params import Params
from softmax.provenance import lock

READ = (
    paths.WEIGHTS,
    paths.EPOCH_WEIGHTS,
    paths.LESSON_WEIGHTS,
    paths.TEST_METRICS,
    paths.PREDICTIONS,
    paths.LOSSES,
    paths.EPOCHS,
    paths.LESSON_EPOCHS,
    paths.LESSON_POINTS,
    paths.LESSON_EXAMPLES,
)


@exits_cleanly
def main() -> None:
    """Write the page of the lesson and of the trained model."""
    settings = params.load()
    dataset = settings.download.dataset
    lock.verify(*READ)
    test, predictions = data.load(*catalog.test(dataset)), pd.read_csv(paths.PREDICTIONS)
    lesson = report.lesson(
        settings.lesson,
        model.load(paths.LESSON_WEIGHTS),
        pd.read_csv(paths.LESSON_POINTS),
        pd.read_csv(paths.LESSON_EPOCHS),
    )
    examples = report.examples(pd.read_csv(paths.LESSON_EXAMPLES))
    losses = pd.read_csv(paths.LOSSES)
    facts = {
        "dataset": dataset,
        "name": report.name(dataset),
        "result": json.loads(paths.TEST_METRICS.read_bytes()),
        "curves": report.curves(losses, pd.read_csv(paths.EPOCHS)),
        **of_images(settings, test, predictions),
        "images": [],
        "lesson": lesson | {"sha256": files.sha256(paths.LESSON_WEIGHTS)},
        "slides": report.slides(examples),
        "lecture": lecture.beside(dataset, settings.train, losses),
    }
    page = report.html(
        facts,
        train=settings.train,
        sha256={
            **dict(zip(catalog.FILES, catalog.load()[dataset].sha256, strict=True)),
            paths.WEIGHTS.name: files.sha256(paths.WEIGHTS),
        },
        examples=examples,
    )
    room, sure = report.LIMIT - len(page), facts["theta"] is None
    page = report.with_images(
        page, images.shown(test, predictions, settings.evaluate.samples, room, sure)
    )
    files.write({paths.REPORT: page})
    print(f"report: {paths.REPORT}, {len(page) / 1e6:.1f} MB")
    recorder.log("report", settings)


def of_images(settings: Params, test: Dataset, predictions: pd.DataFrame) -> dict[str, Any]:
    """The facts about the data set, the model, and how its weights formed."""
    dataset = settings.download.dataset
    pinned = catalog.load()[dataset]
    kept, held_out = data.load(*catalog.training(dataset)).split(settings.train.validation)
    theta = model.load(paths.WEIGHTS, pinned.size)
    thetas = {
        int(path.stem): model.load(path, pinned.size)
        for path in paths.EPOCH_WEIGHTS.glob("*.safetensors")
    }
    listed = images.listed(predictions, len(pinned.classes))
    return {
        "listed": listed,
        "data": {
            "shape": pinned.shape,
            "classes": pinned.classes,
            **images.data(listed, kept, held_out, test),
        },
        "samples": settings.evaluate.samples,
        **images.called(predictions, listed, len(pinned.classes)),
        **weights.weights(theta, thetas, listed, kept.images),
    }


if __name__ == "__main__":
    main()
