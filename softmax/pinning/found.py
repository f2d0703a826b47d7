"""Images and labels, whatever they came from, and the limits of both."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax.errors import DataError
from softmax.pipeline.catalog import CLASSES, MAX_NAME, MAX_SIDE


class Part(NamedTuple):
    """Images, uint8 (n, rows, columns) or (n, rows, columns, 3), and labels, integers (n,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.integer]


class Found(NamedTuple):
    """The training and the test set, the names of the classes, by label, and what to look at."""

    training: Part
    test: Part
    classes: Sequence[str]
    warnings: Sequence[str] = ()


def check_size(place: object, rows: int, columns: int) -> None:
    """Raise DataError if images are too large."""
    if not 1 <= rows <= MAX_SIDE or not 1 <= columns <= MAX_SIDE:
        raise DataError(
            f"{place}: images of {rows} x {columns} pixels; allowed are 1 x 1 to {MAX_SIDE} x "
            f"{MAX_SIDE}, and --size 28x28 resizes them"
        )


def check_classes(place: object, classes: Sequence[str]) -> None:
    """Raise DataError if there are too few or too many, or one has a name that does not do."""
    if not 2 <= len(classes) <= CLASSES:
        listed = f" ({shortened(classes)})" if classes else ""
        kind = "class" if len(classes) == 1 else "classes"
        raise DataError(f"{place}: {len(classes)} {kind}{listed}; 2 to {CLASSES} are allowed")
    for name in classes:
        if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
            raise DataError(
                f"{place}: class {name!r}; a name has 1 to {MAX_NAME} letters, none of them "
                "invisible"
            )


def check_counts(place: object, classes: Sequence[str], *labels: NDArray[np.integer]) -> None:
    """Raise DataError unless each class has training and test images."""
    counts = list(zip(*(np.bincount(part, minlength=len(classes)) for part in labels), strict=True))
    lacking = [k for k, (training, test) in enumerate(counts) if not training or not test]
    if lacking:
        training, test = counts[lacking[0]]
        others = f", and {len(lacking) - 1} more lack some" if len(lacking) > 1 else ""
        raise DataError(
            f"{place}: class {classes[lacking[0]]} has {training} training and {test} test images"
            f"{others}; each of the {len(classes)} classes needs both"
        )


def shortened(names: Sequence[object]) -> str:
    """Some of `names`, in words."""
    return ", ".join(map(str, names[:5])) + (", ..." if len(names) > 5 else "")
