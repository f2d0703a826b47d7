"""What dvc.lock and the facts say of a model: all that a comparison needs."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from softmax.core import model
from softmax.errors import DataError
from softmax.pipeline import files, paths
from softmax.provenance import lock
from softmax.provenance.facts import locked_entry
from softmax.results import images

MODEL = (
    paths.WEIGHTS,
    paths.TRAIN_METRICS,
    paths.TEST_METRICS,
    paths.LOSSES,
    paths.EPOCHS,
    paths.PREDICTIONS,
    paths.LESSON_METRICS,
)


class Results(NamedTuple):
    """What dvc.lock and the facts say of a model."""

    name: str
    params: dict[str, Any]
    data: lock.Hashes
    test_data: set[str]  # MD5s, whatever the names
    code: lock.Hashes
    outputs: lock.Hashes
    metrics: dict[str, float]
    classes: pd.DataFrame  # recall and f1 of each class, by its name
    right: NDArray[np.bool_]  # (n,), whether each test image was classified correctly
    losses: "pd.Series[float]"  # of the reported batches, by epochs passed
    tiles: NDArray[np.float64]  # of weights, (classes, rows, columns)
    by_seed: Mapping[int, float] = MappingProxyType({})  # test accuracies of the same recipe


def read(name: str, folder: Path) -> Results:
    """The results in `folder`, called `name`; DataError unless they are those of its dvc.lock."""
    stages = lock.load(folder)
    inputs, outputs = (
        {path: md5 for stage in stages for path, md5 in of(stages, stage).items()}
        for of in (lock.inputs, lock.outputs)
    )
    for path in MODEL:
        if not (folder / path).exists() or files.md5(folder / path) != outputs.get(path):
            raise DataError(
                f"{name}: {path} is not the one of {lock.PATH}; run `dvc checkout` or `dvc repro`"
            )
    train, test = (_json(folder / path) for path in (paths.TRAIN_METRICS, paths.TEST_METRICS))
    lesson = _json(folder / paths.LESSON_METRICS)
    by_class = {key: test.pop(key) for key in ("precision", "recall", "f1")}
    losses, epochs, predictions = (
        pd.read_csv(folder / path) for path in (paths.LOSSES, paths.EPOCHS, paths.PREDICTIONS)
    )
    theta = model.load(folder / paths.WEIGHTS)
    entry = locked_entry(stages, lock.dataset(stages))
    return Results(
        name=name,
        params=lock.values(stages),
        data=_data(inputs),
        test_data=set(_data(lock.inputs(stages, "evaluate")).values()),
        code=_code(inputs, outputs),
        outputs={path: md5 for path, md5 in outputs.items() if path.parts[0] != "data"},
        metrics=_named("test", test) | train | _named("lesson", lesson),
        classes=pd.DataFrame(by_class, entry["classes"])[["recall", "f1"]],
        right=(predictions["label"] == predictions["prediction"]).to_numpy(),
        losses=pd.Series(losses["loss"].array, losses["step"] / epochs["step"][0]),
        tiles=images.tiles(theta, tuple(entry["shape"])),
    )


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def _named(prefix: str, values: Mapping[str, float]) -> dict[str, float]:
    return {f"{prefix}_{key}": value for key, value in values.items()}


def _data(hashes: lock.Hashes) -> lock.Hashes:
    return {path: md5 for path, md5 in hashes.items() if path.parts[0] == "data"}


def _code(inputs: lock.Hashes, outputs: lock.Hashes) -> lock.Hashes:
    """What is written by hand, the sources of the page, too; but not params and pins."""
    others = _data(inputs) | outputs
    return {
        path: md5 for path, md5 in inputs.items() if path not in others and path.suffix != ".yaml"
    }
