"""What a model says of each test image, and how often it is right about each class."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from softmax.core import model
from softmax.core.data import Dataset, batches
from softmax.training.scoring import CHUNK, Score

Doubles = NDArray[np.float64]


def logits(theta: Doubles, data: Dataset) -> Doubles:
    """z of every image in `data`: (classes, n)."""
    chunks = batches(data, range(len(data.labels)), CHUNK)
    return np.concatenate([model.logits(theta, x) for x, _, _ in chunks], axis=1)


def predictions(z: Doubles, a: Doubles, labels: NDArray[np.uint8]) -> pd.DataFrame:
    """A row for each image: label, prediction, and the probability of each class, p0, p1 ...

    z and a are (classes, n), labels (n,).
    """
    columns = {"label": labels.astype(np.int64), "prediction": model.predict(z)}
    return pd.DataFrame(columns | {f"p{k}": p for k, p in enumerate(a)})


def confusion(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Of each image in the table of `predictions` the names of the actual and predicted class."""
    actual, predicted = (np.array(names)[table[key]] for key in ("label", "prediction"))
    return pd.DataFrame({"actual": actual, "predicted": predicted})


def counts(table: pd.DataFrame) -> NDArray[np.int64]:
    """How many images of each class, by row, are called each, in the table of `predictions`."""
    classes = table.shape[1] - 2  # the columns besides label and prediction
    cells = np.bincount(table["label"] * classes + table["prediction"], minlength=classes**2)
    return cells.reshape(classes, classes)


def metrics(score: Score, table: pd.DataFrame) -> dict[str, Any]:
    """Accuracy, total and loss; precision, recall and F1 as a list by class.

    `table` is that of `predictions`. A ratio with nothing to divide by is 0. The number of correct
    ones would take the column of a param in DVC's table of experiments.
    """
    cells = counts(table)
    hits, actual, predicted = np.diag(cells), cells.sum(axis=1), cells.sum(axis=0)
    return {
        "accuracy": score.accuracy,
        "loss": score.loss,
        "total": score.total,
        "precision": _ratios(hits, predicted),
        "recall": _ratios(hits, actual),
        "f1": _ratios(2 * hits, actual + predicted),
    }


def _ratios(parts: NDArray[np.int64], wholes: NDArray[np.int64]) -> list[float]:
    return (parts / np.maximum(wholes, 1)).tolist()
