"""Compute the predictions for all test images, and metrics by class."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax.core import model
from softmax.core.arrays import FloatArray, Table
from softmax.core.batches import Dataset, batches
from softmax.training.scoring import CHUNK, Score


def logits(theta: FloatArray, data: Dataset) -> FloatArray:
    """Return z of every image in `data`: float64 (classes, n)."""
    chunks = batches(data, range(len(data.labels)), CHUNK)
    return np.concatenate([model.logits(theta, x) for x, _, _ in chunks], axis=1)


def predictions(z: FloatArray, a: FloatArray, labels: NDArray[np.uint8]) -> Table:
    """Return a table with a row for each image: label, prediction, and probabilities p0, p1, ...

    z and a are (classes, n), labels (n,).
    """
    columns = {"label": labels.astype(np.int64), "prediction": model.predict(z)}
    return columns | {f"p{k}": p for k, p in enumerate(a)}


def named_pairs(table: Table, names: Sequence[str]) -> Table:
    """Name the actual and the predicted class of each image in the table of `predictions`."""
    actual, predicted = (np.array(names)[table[key]] for key in ("label", "prediction"))
    return {"actual": actual, "predicted": predicted}


def confusion_matrix(table: Table, classes: int) -> NDArray[np.int64]:
    """Count the images of `predictions` by actual (row) and predicted class: (classes, classes)."""
    cells = np.bincount(table["label"] * classes + table["prediction"], minlength=classes**2)
    return cells.reshape(classes, classes)


def confidence(table: Table) -> FloatArray:
    """Return the probability of each prediction, float64 (n,), in the table of `predictions`."""
    _, _, *probabilities = table.values()
    return np.max(probabilities, axis=0)


def metrics(score: Score, table: Table) -> dict[str, Any]:
    """Return accuracy, total and loss, and lists by class of precision, recall and F1.

    `table` comes from `predictions`. The number of correct images is left out, because DVC's table
    of experiments has no room for it.
    """
    scores = {"accuracy": score.accuracy, "loss": score.loss, "total": score.total}
    return scores | by_class(confusion_matrix(table, len(table) - 2))  # probabilities: classes


def by_class(cells: NDArray[np.int64]) -> dict[str, list[float]]:
    """Return precision, recall and F1 of each class, 0 instead of a division by 0."""
    hits, actual, predicted = np.diag(cells), cells.sum(axis=1), cells.sum(axis=0)
    ratios = {
        "precision": (hits, predicted),
        "recall": (hits, actual),
        "f1": (2 * hits, actual + predicted),
    }
    return {key: (part / np.maximum(of, 1)).tolist() for key, (part, of) in ratios.items()}
