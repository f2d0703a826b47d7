"""Compute predictions for images, and metrics in total and by class."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax.core import model
from softmax.core.arrays import FloatArray, Table
from softmax.core.batches import Dataset, batches
from softmax.training.scoring import CHUNK, Score


def logits(theta: FloatArray, data: Dataset) -> FloatArray:
    """Return the logits z of all images in `data`, float64 (classes, n)."""
    chunks = batches(data, range(len(data.labels)), CHUNK)
    return np.concatenate([model.logits(theta, x) for x, _, _ in chunks], axis=1)


def predictions(z: FloatArray, a: FloatArray, labels: NDArray[np.uint8]) -> Table:
    """Return a table with a row for each image: label, prediction, and probabilities p0, p1, ...

    Logits `z` and probabilities `a` are float64 (classes, n), and labels are (n,).
    """
    columns = {"label": labels.astype(np.int64), "prediction": model.predict(z)}
    return columns | {f"p{k}": p for k, p in enumerate(a)}


def named_pairs(table: Table, names: Sequence[str]) -> Table:
    """Return the names of the actual and predicted classes in a table of `predictions`, (n,)."""
    actual, predicted = (np.array(names)[table[key]] for key in ("label", "prediction"))
    return {"actual": actual, "predicted": predicted}


def confusion_matrix(table: Table, classes: int) -> NDArray[np.int64]:
    """Count images by actual class (row) and predicted class (column), int64 (classes, classes)."""
    cells = np.bincount(table["label"] * classes + table["prediction"], minlength=classes**2)
    return cells.reshape(classes, classes)


def confidence(table: Table) -> FloatArray:
    """Return the probability of each predicted class in a table of `predictions`, float64 (n,)."""
    return np.max([*table.values()][2:], axis=0)  # without label and prediction


def metrics(score: Score, table: Table) -> dict[str, Any]:
    """Return accuracy, loss, the number of images, and lists of precision, recall and F1 by class.

    `table` comes from `predictions`. The number of correct images is omitted, because it would make
    DVC's table of experiments too wide.
    """
    scores = {"accuracy": score.accuracy, "loss": score.loss, "total": score.total}
    return scores | by_class(confusion_matrix(table, len(table) - 2))  # except label and prediction


def by_class(cells: NDArray[np.int64]) -> dict[str, list[float]]:
    """Return precision, recall and F1 by class, or 0 where the denominator is 0."""
    hits, actual, predicted = np.diag(cells), cells.sum(axis=1), cells.sum(axis=0)
    ratios = {
        "precision": (hits, predicted),
        "recall": (hits, actual),
        "f1": (2 * hits, actual + predicted),
    }
    return {key: (part / np.maximum(of, 1)).tolist() for key, (part, of) in ratios.items()}
