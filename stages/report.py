"""Show and explain all results in one HTML file."""

import json

import pandas as pd

from softmax.core import data, model
from softmax.errors import exits_cleanly
from softmax.page import lecture, report
from softmax.pipeline import catalog, files, params, paths, recorder
from softmax.provenance import lock

READ = (
    paths.WEIGHTS,
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
    test = data.load(*catalog.verified(dataset, catalog.test_files(dataset)))
    lock.verify(*READ)
    params.check_samples(settings, len(test.labels))
    digits = report.digits(
        model.load(paths.WEIGHTS, (data.CLASSES, test.images.shape[1])),
        test,
        pd.read_csv(paths.PREDICTIONS),
        settings.evaluate.samples,
    )
    lesson = report.lesson(
        settings.lesson,
        model.load(paths.LESSON_WEIGHTS, model.LESSON),
        pd.read_csv(paths.LESSON_POINTS),
        pd.read_csv(paths.LESSON_EPOCHS),
    )
    examples = report.examples(pd.read_csv(paths.LESSON_EXAMPLES))
    losses = pd.read_csv(paths.LOSSES)
    facts = {
        "dataset": dataset,
        "result": json.loads(paths.TEST_METRICS.read_bytes()),
        "curves": report.curves(losses, pd.read_csv(paths.EPOCHS)),
        **digits,
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
    files.write({paths.REPORT: page})
    print(f"report: {paths.REPORT}, {len(page) / 1e6:.1f} MB")
    recorder.log("report", settings)


if __name__ == "__main__":
    main()
