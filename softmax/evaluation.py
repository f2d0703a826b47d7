"""What a model says of each test image, and how often it is right about each class."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from softmax import model
from softmax.data import CLASSES, Dataset, batches
from softmax.scoring import CHUNK


def logits(theta: NDArray[np.float64], data: Dataset) -> NDArray[np.float64]:
    """z of every image in `data`: float64 (classes, n)."""
    chunks = batches(data, np.arange(len(data.labels)), CHUNK)
    return np.concatenate([model.logits(theta, x) for x, _ in chunks], axis=1)


def predictions(z: NDArray[np.float64], labels: NDArray[np.int64]) -> pd.DataFrame:
    """A row for each image: label, prediction, and the probabilities p0 ... p9."""
    columns = {"label": labels, "prediction": model.predict(z)}
    return pd.DataFrame(columns | {f"p{k}": p for k, p in enumerate(model.softmax(z))})


def confusion(table: pd.DataFrame) -> NDArray[np.int64]:
    """Counts of images, (classes, classes): a row for each label, a column for each prediction."""
    cells = np.bincount(table["label"] * CLASSES + table["prediction"], minlength=CLASSES**2)
    return cells.reshape(CLASSES, CLASSES)


def per_class(counts: NDArray[np.int64]) -> dict[str, list[float]]:
    """Precision, recall and F1 of each class; 0 where there is nothing to divide by."""
    hits, predicted, actual = np.diag(counts), counts.sum(axis=0), counts.sum(axis=1)
    return {
        "precision": _ratios(hits, predicted),
        "recall": _ratios(hits, actual),
        "f1": _ratios(2 * hits, predicted + actual),
    }


def _ratios(parts: NDArray[np.int64], wholes: NDArray[np.int64]) -> list[float]:
    return (parts / np.maximum(wholes, 1)).tolist()
