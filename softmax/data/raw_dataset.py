"""Check images and labels, whatever they came from: sizes, classes, counts, and what is unusual."""

import hashlib
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate
from tqdm import tqdm

from softmax.errors import DataError
from softmax.pipeline.datasets import CLASSES, MAX_NAME, MAX_SIDE


class Split(NamedTuple):
    """Images, uint8 (n, rows, columns) or (n, rows, columns, 3), and labels, integers (n,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.integer]


class RawDataset(NamedTuple):
    """The training and the test set, the names of the classes, by label, and what to look at."""

    training: Split
    test: Split
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
    words = (" ".join(str(name).split()) for name in names[:5])  # in one line
    return ", ".join(words) + (", ..." if len(names) > 5 else "")


DIGITS = re.compile("0|[1-9][0-9]{0,17}")  # of a number that is written in one way
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf)", re.IGNORECASE)


def encode(
    place: object, *parts: NDArray[np.str_]
) -> tuple[tuple[str, ...], list[NDArray[np.uint16]]]:
    """The classes' names, and for each part the labels as indices of them, uint16 (n,).

    Numbers, written as digits, are sorted as such if no class has another name. DataError where
    a label is empty or not a whole number from 0.
    """
    values, indices, counts = np.unique(
        np.concatenate(parts), return_inverse=True, return_counts=True
    )
    for value, count in zip(values.tolist(), counts, strict=True):
        if not value.strip() or (NUMBER.fullmatch(value) and not value.isdecimal()):
            raise DataError(
                f"{place}: label {value!r} of {count} images is no class; classes are whole "
                "numbers from 0, or names"
            )
    order = np.arange(len(values))
    if all(DIGITS.fullmatch(value) for value in values.tolist()):
        order = np.argsort(values.astype(np.int64), kind="stable")
    encoded = np.argsort(order).astype(np.uint16)[indices]
    ends = np.cumsum([len(part) for part in parts])[:-1]
    return tuple(values[order].tolist()), np.split(encoded, ends)


def is_for_test(name: bytes) -> bool:
    """Whether the first 8 bytes of the SHA-256, as a big-endian number, are below 2^64 / 6."""
    return int.from_bytes(hashlib.sha256(name).digest()[:8]) * 6 < 2**64


FEW = 10  # images of a class: less says little


def check(place: str, found: RawDataset) -> None:
    """Raise DataError, in one line, if the pipeline cannot use the data."""
    sets = {"training": found.training, "test": found.test}
    for name, part in sets.items():
        if len(part.images) != len(part.labels):
            raise DataError(
                f"{place}: {len(part.labels)} labels for {len(part.images)} {name} images"
            )
    shapes = [part.images.shape[1:] for part in sets.values()]
    if shapes[0] != shapes[1]:
        training, test = (" x ".join(map(str, shape)) for shape in shapes)
        raise DataError(f"{place}: training images are {training}, test images {test}")
    check_size(place, *shapes[0][:2])
    if shapes[0][2:] not in ((), (3,)):
        raise DataError(f"{place}: {shapes[0][2]} values a pixel; allowed are 1 and 3, of RGB")
    check_classes(place, found.classes)
    check_counts(place, found.classes, found.training.labels, found.test.labels)


def odd(found: RawDataset) -> list[str]:
    """What may be wrong, each in a line."""
    warnings = list(found.warnings)
    if known := _in_training(found):
        warnings.append(
            f"{known:,} of {len(found.test.labels):,} test images are in the training set, too"
        )
    brightest = max(part.images.max() for part in (found.training, found.test))
    if brightest <= 1:
        warnings.append(f"pixels are 0 to {brightest}, where white is 255; multiply them by 255")
    for name, part in (("training", found.training), ("test", found.test)):
        counts = np.bincount(part.labels, minlength=len(found.classes))
        if few := np.count_nonzero(counts < FEW):
            rarest = found.classes[int(counts.argmin())]
            warnings.append(
                f"{few} of {len(counts)} classes have fewer than {FEW} {name} images; class "
                f"{rarest} has {counts.min()}"
            )
    return warnings


def _in_training(found: RawDataset) -> int:
    """How many test images have the same pixels as a training image."""
    test = [_digest(image) for image in found.test.images]
    known = set(test)
    bar = tqdm(found.training.images, "doubles", unit=" images", leave=False, disable=None)
    both = {digest for image in bar if (digest := _digest(image)) in known}
    return sum(digest in both for digest in test)


def _digest(image: NDArray[np.uint8]) -> bytes:
    """What two images have in common only if all pixels are equal."""
    return hashlib.sha256(image.tobytes()).digest()


LISTED = 50  # classes, each in a row; of more, those with the most and the fewest images
ENDS = 5


def summary(found: RawDataset) -> str:
    """A line and a table."""
    parts = found.training, found.test
    rows, columns, *rgb = found.training.images.shape[1:]
    counts = [np.bincount(part.labels, minlength=len(found.classes)).tolist() for part in parts]
    table = [
        (name, *map("{:,}".format, row)) for name, *row in zip(found.classes, *counts, strict=True)
    ]
    if len(table) > LISTED:
        order = np.argsort(counts[0], kind="stable")[::-1]
        table = [table[k] for k in order]
        table[ENDS:-ENDS] = [("...", "...", "...")]
    training, test = (f"{len(part.labels):,}" for part in parts)
    kind = "RGB" if rgb else "gray"
    return "\n".join(
        [
            f"{training} training and {test} test images of {rows} x {columns} {kind} pixels, "
            f"{len(found.classes)} classes",
            "",
            tabulate(
                table,
                ["class", "training", "test"],
                disable_numparse=True,
                colalign=("left", "right", "right"),
            ),
        ]
    )
