"""Prepare the images and weights that the report embeds, in few characters.

Python's zlib may be zlib-ng, which writes different bytes. The package deflate contains libdeflate,
whose bytes change only with its version, which pyproject.toml pins (docs/arithmetic.md).
"""

import base64
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain, count, zip_longest
from typing import Any

import deflate
import numpy as np
from numpy.typing import NDArray

from softmax.analysis import evaluation
from softmax.core import arrays, model
from softmax.core.arrays import FloatArray, Table
from softmax.core.batches import Dataset
from softmax.pipeline.params import Train
from softmax.training import fitting
from softmax.training.state import Hyperparameters

LISTED = 50  # classes that tables and images show
EXAMPLES, EXAMPLE_BYTES = 10, 200_000  # training images of a class; bytes of all classes
TRAINING, TRAINING_CHARACTERS = 2000, 500_000  # maxima for training in the browser
MISTAKES = 24  # the most confident ones
PIECE = 2**18  # bytes of images in a compressed piece


def listed(predictions: Table, classes: int) -> list[int]:
    """Return the classes that tables list: all, or the LISTED classes with the most mistakes.

    `predictions`, here and in the functions below, is metrics/predictions.csv.
    """
    cells = evaluation.confusion_matrix(predictions, classes)
    mistakes = cells.sum(axis=1) - np.diag(cells)
    return sorted(np.argsort(-mistakes, kind="stable")[:LISTED].tolist())


def data(
    classes: list[int], training: Dataset, validation_set: Dataset, test: Dataset
) -> dict[str, Any]:
    """Return `data` of the report, with the first training images of each of `classes`, in turn."""
    first = [np.flatnonzero(training.labels == k)[:EXAMPLES].tolist() for k in classes]
    in_turn = [k for k in chain(*zip_longest(*first)) if k is not None]
    index = in_turn[: max(EXAMPLE_BYTES // training.images.shape[1], 1)]
    return {
        "training": np.bincount(training.labels, minlength=training.classes).tolist(),
        "validation": len(validation_set.labels),
        "test": np.bincount(test.labels, minlength=training.classes).tolist(),
        "label": training.labels[index].tolist(),
        "pixels": packed(training.images[index]),
    }


def training(data: Dataset, train: Train) -> dict[str, Any]:
    """Return `train` of the report: the first images that fit, and the hash of their model."""
    count = min(len(data.labels), TRAINING)
    while len(pixels := packed(data.images[:count])) > TRAINING_CHARACTERS and count > 1:
        count //= 2
    few, _ = data.split(len(data.labels) - count)
    hyperparameters = Hyperparameters(**train.model_dump(exclude={"validation"}))
    with arrays.blas_threads(hyperparameters.batch_size):
        *_, last = fitting.fit(*few.split(0), hyperparameters)
    return {
        "label": few.labels.tolist(),
        "pixels": pixels,
        # JavaScript's numbers have only 53 bits
        "hyperparameters": hyperparameters._asdict() | {"seed": str(train.seed)},
        "sha256": hashlib.sha256(model.to_bytes(last.theta)).hexdigest(),
    }


def predicted(predictions: Table, listed: list[int], classes: int) -> dict[str, Any]:
    """Return confusion, predicted and mistakes of the report, for the classes `listed`."""
    cells = evaluation.confusion_matrix(predictions, classes)
    order, mistaken = _ranked(predictions)
    return {
        "confusion": cells[np.ix_(listed, listed)].tolist(),
        "predicted": cells.sum(axis=0)[listed].tolist(),
        "mistakes": order[mistaken][:MISTAKES].tolist(),
    }


def _ranked(predictions: Table) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the test images, the most confident first, and whether each is misclassified: (n,)."""
    order = np.argsort(-evaluation.confidence(predictions), kind="stable")
    return order, (predictions["label"] != predictions["prediction"])[order]


def shown(
    test: Dataset, predictions: Table, samples: list[int], characters: int, confidence: bool
) -> list[dict[str, Any]]:
    """Return test images in pieces, as many as fit into `characters`, and missing `samples` last.

    The most confident mistakes come first, then the most confident images of each cell of the
    confusion matrix, in turn: all mistakes, then correct predictions. With `confidence`, each image
    has the probability of its prediction, for a report that has no weights to compute it.
    """
    ranked, mistaken = _ranked(predictions)
    columns = {key: predictions[key] for key in ("label", "prediction")}
    turns: dict[tuple[int, int], Iterator[int]] = defaultdict(count)  # rank within each cell
    cells = zip(*(column[ranked].tolist() for column in columns.values()), strict=True)
    in_turn = np.lexsort((np.array([next(turns[cell]) for cell in cells]), ~mistaken))
    order = list(dict.fromkeys([*ranked[mistaken][:MISTAKES].tolist(), *ranked[in_turn].tolist()]))
    if confidence:
        columns["a"] = evaluation.confidence(predictions)
    step = max(PIECE // test.images.shape[1], 1)
    characters -= len(json.dumps(_piece(test, columns, samples)))
    pieces: list[dict[str, Any]] = []
    left = samples
    for start in range(0, len(order), step):
        piece = _piece(test, columns, order[start : start + step])
        characters -= len(json.dumps(piece))
        if characters < 0:
            break
        pieces.append(piece)
        left = [k for k in left if k not in piece["index"]]
    return [*pieces, _piece(test, columns, left)] if left else pieces


def _piece(test: Dataset, columns: Table, index: list[int]) -> dict[str, Any]:
    return {
        "index": index,
        **{name: column[index].tolist() for name, column in columns.items()},
        "pixels": packed(test.images[index]),
    }


EPOCHS = 8  # epochs after which weights are shown, besides those before training
CHARACTERS = 2_000_000  # of all weights in the report, enough for about 430,000


def weights(
    theta: FloatArray, thetas: dict[int, FloatArray], listed: list[int], training: NDArray[np.uint8]
) -> dict[str, Any]:
    """Return theta, forming and dark of the report, the first two None if they do not fit.

    `thetas` are by epoch, from 0. `training` is images (n, pixels).
    """
    packed = doubles(theta)
    fits = len(packed) <= CHARACTERS
    dark = np.flatnonzero(training.max(axis=0) == 0)
    before, after = thetas[min(thetas)][:, dark], theta[:, dark]
    return {
        "theta": packed if fits else None,
        "forming": _forming(thetas, listed, CHARACTERS - len(packed) * fits),
        "dark": {"count": dark.size, "total": after.size, "kept": int((before == after).sum())},
    }


def _forming(thetas: dict[int, FloatArray], listed: list[int], left: int) -> dict[str, Any] | None:
    """Return theta before training and after evenly spaced epochs, or None if they do not fit."""
    start, *later = sorted(thetas)
    each = len(doubles(thetas[later[-1]][listed]))
    count = min(len(later), EPOCHS, left // each - 1)
    if count < 1:
        return None
    epochs = [start, *(later[k * len(later) // count - 1] for k in range(1, count + 1))]
    return {"epochs": epochs, "thetas": doubles(np.stack([thetas[n][listed] for n in epochs]))}


LEVEL = 6  # of 12; level 9 makes MNIST 2% smaller, but takes five times as long


def base64_of(content: bytes | bytearray) -> str:
    """Return `content` in base64."""
    return base64.b64encode(content).decode()


def packed(array: NDArray[np.uint8]) -> str:
    """Return bytes of any shape as a zlib stream in base64, which scripts/results.js unpacks."""
    return base64_of(deflate.zlib_compress(array.tobytes(), LEVEL))


def doubles(array: NDArray[np.float64]) -> str:
    """Return float64 of any shape, packed: all first bytes (little-endian), all second bytes, etc.

    This puts the zero bytes below the weights' grid side by side, and halves the compressed size.
    """
    octets = np.frombuffer(array.astype("<f8").tobytes(), np.uint8)
    return packed(octets.reshape(-1, 8).T)
