"""The facts about images: the data set, what the model calls them, and those that are shown."""

import json
from itertools import chain, zip_longest
from typing import Any

import numpy as np
import pandas as pd

from softmax.core.data import Dataset
from softmax.page.packing import packed
from softmax.results import evaluation

LISTED = 50  # classes with a row in tables and a picture
EXAMPLES, EXAMPLE_BYTES = 10, 200_000  # training images of each class, and of all
MISTAKES = 24
PIECE = 2**18  # bytes of images that are packed together


def listed(predictions: pd.DataFrame, classes: int) -> list[int]:
    """The classes that tables list: of many, those with the most mistakes.

    `predictions`, here and below, is metrics/predictions.csv.
    """
    wrong = predictions.loc[predictions["label"] != predictions["prediction"], "label"]
    mistakes = np.bincount(wrong, minlength=classes)
    most: list[int] = np.argsort(-mistakes, kind="stable")[:LISTED].tolist()
    return sorted(most)


def data(classes: list[int], training: Dataset, held_out: Dataset, test: Dataset) -> dict[str, Any]:
    """How many images there are, and the first training images of each of `classes`, in turn."""
    first = [np.flatnonzero(training.labels == k)[:EXAMPLES].tolist() for k in classes]
    in_turn = [k for k in chain(*zip_longest(*first)) if k is not None]
    index = in_turn[: max(EXAMPLE_BYTES // training.images.shape[1], 1)]
    return {
        "training": np.bincount(training.labels, minlength=training.classes).tolist(),
        "held_out": len(held_out.labels),
        "test": np.bincount(test.labels, minlength=training.classes).tolist(),
        "label": training.labels[index].tolist(),
        "pixels": packed(training.images[index]),
    }


def called(predictions: pd.DataFrame, listed: list[int], classes: int) -> dict[str, Any]:
    """The facts about what the model calls the test images, of the classes `listed`."""
    ranked = _ranked(predictions)
    cells = evaluation.confusion_matrix(predictions, classes)
    return {
        "confusion": cells[np.ix_(listed, listed)].tolist(),
        "called": cells.sum(axis=0)[listed].tolist(),
        "mistakes": ranked.index[~ranked["right"]][:MISTAKES].tolist(),
    }


def shown(
    test: Dataset, predictions: pd.DataFrame, samples: list[int], room: int, sure: bool
) -> list[dict[str, Any]]:
    """Test images in pieces, as many as fit into `room` characters, and `samples` at last.

    First come the mistakes of which the model is surest, then of each cell of the confusion, in
    turn, the most confident: those of all mistakes, and then of what is right. With `sure` each
    has the probability of what it is called, for a page that cannot compute it.
    """
    ranked = _ranked(predictions)
    rows = ranked[["label", "prediction", *(["a"] if sure else [])]]
    in_turn = ranked.sort_values(["right", "turn"], kind="stable").index
    order = ranked.index[~ranked["right"]][:MISTAKES].union(in_turn, sort=False)
    step = max(PIECE // test.images.shape[1], 1)
    room -= len(json.dumps(_piece(test, rows.loc[samples])))
    pieces: list[dict[str, Any]] = []
    left = samples
    for start in range(0, len(order), step):
        piece = _piece(test, rows.loc[order[start : start + step]])
        room -= len(json.dumps(piece))
        if room < 0:
            break
        pieces.append(piece)
        left = [k for k in left if k not in piece["index"]]
    return [*pieces, _piece(test, rows.loc[left])] if left else pieces


def _ranked(predictions: pd.DataFrame) -> pd.DataFrame:
    """By test image, the most confident first: label, prediction, its probability a, whether it is
    right, and turn: how many of the same label and prediction come before it.
    """
    called = predictions[["label", "prediction"]]
    called = called.assign(a=predictions.filter(regex=r"^p\d+$").max(axis=1))
    ranked = called.sort_values("a", ascending=False, kind="stable")
    return ranked.assign(
        right=ranked["label"] == ranked["prediction"],
        turn=ranked.groupby(["label", "prediction"]).cumcount(),
    )


def _piece(test: Dataset, rows: pd.DataFrame) -> dict[str, Any]:
    return {
        "index": rows.index.tolist(),
        **{str(name): rows[name].tolist() for name in rows},
        "pixels": packed(test.images[rows.index]),
    }
