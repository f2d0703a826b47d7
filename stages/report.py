"""Write the HTML report, one file that shows and explains all results."""

import json
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from softmax.core import arrays, batches, model
from softmax.core.arrays import Table
from softmax.core.batches import Dataset
from softmax.errors import exits_cleanly
from softmax.pipeline import datasets, dvc_lock, files, params, paths
from softmax.pipeline.params import Params
from softmax.pipeline.recorder import Recorder
from softmax.report import document, embedded

INPUTS = (
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
    config, recorder = params.load(), Recorder("report")
    dataset = config.download.dataset
    dvc_lock.verify(*INPUTS)
    test, predictions = batches.load(*datasets.test(dataset)), arrays.read_csv(paths.PREDICTIONS)
    lesson = document.lesson(
        config.lesson,
        model.load(paths.LESSON_WEIGHTS),
        arrays.read_csv(paths.LESSON_POINTS),
        arrays.read_csv(paths.LESSON_EPOCHS),
    )
    examples = document.examples(arrays.read_csv(paths.LESSON_EXAMPLES))
    losses, theta = arrays.read_csv(paths.LOSSES), model.load(paths.WEIGHTS)
    outputs = {
        "dataset": dataset,
        "name": document.name(dataset),
        "result": json.loads(paths.TEST_METRICS.read_bytes()),
        "curves": document.curves(losses, arrays.read_csv(paths.EPOCHS)),
        **of_images(config, test, predictions),
        "images": [],
        "lesson": lesson | {"sha256": files.sha256(paths.LESSON_WEIGHTS)},
        "slides": document.slides(examples),
        "lecture": document.lecture_results(dataset, config.train, losses, theta),
    }
    page = document.html(
        outputs,
        train=config.train,
        sha256={
            **dict(zip(datasets.FILES, datasets.load()[dataset].sha256, strict=True)),
            paths.WEIGHTS.name: files.sha256(paths.WEIGHTS),
        },
        examples=examples,
        citation=YAML(typ="safe").load(Path("CITATION.cff")),
    )
    left, no_weights = document.LIMIT - len(page), outputs["theta"] is None
    images = embedded.shown(test, predictions, config.evaluate.samples, left, no_weights)
    page = document.with_images(page, images)
    files.write({paths.REPORT: page})
    print(f"report: {paths.REPORT}, {len(page) / 1e6:.1f} MB")
    recorder.log(config)


def of_images(config: Params, test: Dataset, predictions: Table) -> dict[str, Any]:
    """Return the entries of the report's JSON object that contain images or weights."""
    dataset = config.download.dataset
    entry = datasets.load()[dataset]
    kept, validation_set = batches.load(*datasets.training(dataset)).split(config.train.validation)
    theta = model.load(paths.WEIGHTS, entry.size)
    thetas = {
        int(path.stem): model.load(path, entry.size)
        for path in paths.EPOCH_WEIGHTS.glob("*.safetensors")
    }
    listed = embedded.listed(predictions, len(entry.classes))
    return {
        "listed": listed,
        "data": {
            "shape": entry.shape,
            "classes": entry.classes,
            **embedded.data(listed, kept, validation_set, test),
        },
        "samples": config.evaluate.samples,
        "train": embedded.training(
            kept, config.train.model_copy(update=document.LECTURE["hyperparameters"])
        ),
        **embedded.predicted(predictions, listed, len(entry.classes)),
        **embedded.weights(theta, thetas, listed, kept.images),
    }


if __name__ == "__main__":
    main()
