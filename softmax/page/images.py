"""The facts about images: the data set, the model of it, and the images that are shown."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from softmax.core.data import Dataset
from softmax.page.packing import doubles, packed

Doubles = NDArray[np.float64]

EXAMPLES = 10  # training images of each class
FORMING = 8  # epochs whose weights are shown, besides the start
MISTAKES = 24
PIECE = 2**18  # bytes of images that are packed together


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
        "pixels": packed(training.images[index]),
        "dark": np.flatnonzero(training.images.max(axis=0) == 0).tolist(),
    }


def forming(thetas: dict[int, Doubles]) -> dict[str, Any]:
    """theta as the training began and after epochs, evenly to the last one: `thetas` by number."""
    start, *others = sorted(thetas)
    count = min(len(others), FORMING)
    epochs = [start, *(others[k * len(others) // count - 1] for k in range(1, count + 1))]
    return {"epochs": epochs, "thetas": doubles(np.stack([thetas[n] for n in epochs]))}


def model(theta: Doubles, predictions: pd.DataFrame, samples: list[int]) -> dict[str, Any]:
    """The facts about the model of images; `predictions` is metrics/predictions.csv."""
    classes, ranked = len(theta), _ranked(predictions)
    counts = np.bincount(ranked["label"] * classes + ranked["prediction"], minlength=classes**2)
    return {
        "theta": doubles(theta),
        "confusion": counts.reshape(classes, classes).tolist(),
        "samples": samples,
        "mistakes": ranked.index[~ranked["right"]][:MISTAKES].tolist(),
    }


def shown(
    test: Dataset, predictions: pd.DataFrame, samples: list[int], room: int
) -> list[dict[str, Any]]:
    """Test images in pieces: `samples`, and as many others as fit into `room` characters.

    First come the mistakes of which the model is surest, then of each cell of the confusion, in
    turn, the most confident: those of all mistakes, and then of what is right.
    """
    ranked = _ranked(predictions)
    in_turn = ranked.sort_values(["right", "turn"], kind="stable").index
    first = ranked.index[~ranked["right"]][:MISTAKES]
    order: list[int] = first.union(in_turn, sort=False).difference(samples, sort=False).tolist()
    step = max(PIECE // test.images.shape[1], 1)
    wanted = [samples, *(order[k : k + step] for k in range(0, len(order), step))]
    pieces: list[dict[str, Any]] = []
    for index in wanted:
        piece = _piece(test, ranked.loc[index])
        room -= len(json.dumps(piece))
        if pieces and room < 0:
            break
        pieces.append(piece)
    return pieces


def _ranked(predictions: pd.DataFrame) -> pd.DataFrame:
    """By test image, the most confident first: label, prediction, whether that is right, and turn:
    how many of the same label and prediction come before it.
    """
    confidence = predictions.filter(regex=r"^p\d+$").max(axis=1)
    order = confidence.sort_values(ascending=False, kind="stable").index
    ranked = predictions.loc[order, ["label", "prediction"]]
    return ranked.assign(
        right=ranked["label"] == ranked["prediction"],
        turn=ranked.groupby(["label", "prediction"]).cumcount(),
    )


def _piece(test: Dataset, rows: pd.DataFrame) -> dict[str, Any]:
    return {
        "index": rows.index.tolist(),
        "label": rows["label"].tolist(),
        "prediction": rows["prediction"].tolist(),
        "pixels": packed(test.images[rows.index]),
    }
