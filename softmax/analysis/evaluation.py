"""What a model says of each test image, and how often it is right about each class."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax.core import model
from softmax.core.arrays import FloatArray, Table
from softmax.core.batches import Dataset, batches
from softmax.training.scoring import CHUNK, Score


def logits(theta: FloatArray, data: Dataset) -> FloatArray:
    """z of every image in `data`: (classes, n)."""
    chunks = batches(data, range(len(data.labels)), CHUNK)
    return np.concatenate([model.logits(theta, x) for x, _, _ in chunks], axis=1)


def predictions(z: FloatArray, a: FloatArray, labels: NDArray[np.uint8]) -> Table:
    """Return columns of a row for each image: label, prediction, and each probability, p0, p1 ...

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
    """The probability of each prediction, (n,), in the table of `predictions`."""
    _, _, *probabilities = table.values()
    return np.max(probabilities, axis=0)


def metrics(score: Score, table: Table) -> dict[str, Any]:
    """Accuracy, total and loss; precision, recall and F1 as a list by class.

    `table` is that of `predictions`. The number of correct images would take the column of a param
    in DVC's table of experiments.
    """
    scores = {"accuracy": score.accuracy, "loss": score.loss, "total": score.total}
    return scores | by_class(confusion_matrix(table, len(table) - 2))  # probabilities: classes


def by_class(cells: NDArray[np.int64]) -> dict[str, list[float]]:
    """Precision, recall and F1 of each class; 0 where there is nothing to divide by."""
    hits, actual, predicted = np.diag(cells), cells.sum(axis=1), cells.sum(axis=0)
    ratios = {
        "precision": (hits, predicted),
        "recall": (hits, actual),
        "f1": (2 * hits, actual + predicted),
    }
    return {key: (part / np.maximum(of, 1)).tolist() for key, (part, of) in ratios.items()}
