"""The facts about images: the data set, the model of it, and the images that are shown."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from softmax.core.data import Dataset
from softmax.page.report import doubles, runs

Doubles = NDArray[np.float64]

EXAMPLES = 10  # training images of each class
FORMING = 8  # epochs whose weights are shown, besides the start
ROOM = 1_200_000  # characters for test images: all mistakes of MNIST, and a third of what is right
MISTAKES = 24


def data(
    shape: Sequence[int], names: Sequence[str], training: Dataset, held_out: Dataset, test: Dataset
) -> dict[str, Any]:
    """The facts about the data set: how many images, the first of each class, and dark pixels."""
    classes = len(names)
    first = [np.flatnonzero(training.labels == k)[:EXAMPLES] for k in range(classes)]
    index = np.concatenate(first)
    return {
        "shape": shape,
        "classes": names,
        "training": np.bincount(training.labels, minlength=classes).tolist(),
        "held_out": len(held_out.labels),
        "test": np.bincount(test.labels, minlength=classes).tolist(),
        "label": training.labels[index].tolist(),
        "pixels": runs(training.images[index]),
        "dark": np.flatnonzero(training.images.max(axis=0) == 0).tolist(),
    }


def forming(thetas: dict[int, Doubles]) -> dict[str, Any]:
    """theta as the training began and after epochs, evenly to the last one: `thetas` by number."""
    start, *others = sorted(thetas)
    count = min(len(others), FORMING)
    epochs = [start, *(others[k * len(others) // count - 1] for k in range(1, count + 1))]
    return {"epochs": epochs, "thetas": doubles(np.stack([thetas[n] for n in epochs]))}


def model(
    theta: Doubles, test: Dataset, predictions: pd.DataFrame, samples: list[int]
) -> dict[str, Any]:
    """The facts about the model of images, and of the test images that are shown.

    `predictions` is metrics/predictions.csv. Shown are, the most confident first, `samples`, the
    first mistakes, and of each cell of the confusion as many as there is room for.
    """
    classes = len(theta)
    confidence = predictions.filter(regex=r"^p\d+$").max(axis=1)
    ranked = predictions.loc[confidence.sort_values(ascending=False, kind="stable").index]
    label, prediction = ranked["label"], ranked["prediction"]
    mistakes = ranked.index[label != prediction][:MISTAKES]
    in_turn = ranked.groupby(["label", "prediction"]).cumcount().sort_values(kind="stable").index
    fits = np.cumsum([len(runs(test.images[k])) for k in in_turn]) <= ROOM
    index = ranked.index[ranked.index.isin([*in_turn[fits], *mistakes, *samples])]
    counts = np.bincount(label * classes + prediction, minlength=classes**2)
    return {
        "theta": doubles(theta),
        "confusion": counts.reshape(classes, classes).tolist(),
        "images": {
            "index": index.tolist(),
            "label": label[index].tolist(),
            "prediction": prediction[index].tolist(),
            "pixels": runs(test.images[index]),
        },
        "samples": samples,
        "mistakes": mistakes.tolist(),
    }
