"""Show and explain all results in one HTML file."""

import json
from pathlib import Path

import pandas as pd

from softmax import catalog, data, files, model, params, paths, report
from softmax.errors import exits_cleanly
from softmax.recorder import Recorder


@exits_cleanly
def main() -> None:
    """Write the page of the lesson and of the trained model."""
    settings = params.load()
    recorder = Recorder()
    dataset = settings.download.dataset
    digits = report.digits(
        model.load(paths.WEIGHTS),
        data.load_test(dataset),
        _table(paths.PREDICTIONS),
        settings.evaluate.samples,
    )
    lesson = report.lesson(
        settings.lesson,
        model.load(paths.LESSON_WEIGHTS),
        _table(paths.LESSON_POINTS),
        _table(paths.LESSON_EPOCHS),
        json.loads(paths.LESSON_METRICS.read_bytes()),
    )
    facts = {
        "dataset": dataset,
        "result": json.loads(paths.TEST_METRICS.read_bytes()),
        "curves": report.curves(_table(paths.LOSSES), _table(paths.EPOCHS)),
        **digits,
        "lesson": lesson | {"sha256": files.sha256(paths.LESSON_WEIGHTS)},
    }
    page = report.html(
        facts,
        train=settings.train,
        sha256={
            **dict(zip(catalog.FILES, catalog.SHA256[dataset], strict=True)),
            paths.WEIGHTS.name: files.sha256(paths.WEIGHTS),
        },
        examples=report.examples(_table(paths.LESSON_EXAMPLES)),
    )
    files.write({paths.REPORT: page})
    print(f"report: {paths.REPORT}, {len(page) / 1e6:.1f} MB")
    recorder.log("report", settings)


def _table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path)


if __name__ == "__main__":
    main()
