"""Classes from what data sets call them: whole numbers in their order, or names in theirs."""

import re

import numpy as np
from numpy.typing import NDArray

from softmax.errors import DataError

DIGITS = re.compile("0|[1-9][0-9]{0,17}")  # of a number that is written in one way
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf)", re.IGNORECASE)


def encode(
    place: object, *parts: NDArray[np.str_]
) -> tuple[tuple[str, ...], list[NDArray[np.uint16]]]:
    """The classes' names, and for each part the labels as indices of them, uint16 (n,).

    Numbers, written as digits, are sorted as such if no class has another name. DataError where
    a label is empty or a number that is no class.
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
