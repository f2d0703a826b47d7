"""Data sets that torchvision knows where to get, and the MD5 of whose archives it checks."""

import functools
import string
from pathlib import Path
from typing import Any

import numpy as np

from softmax.errors import DataError
from softmax.pinning.found import Found, Part

PLACE = "torchvision"
NAMES = ("kmnist", "qmnist", "emnist-letters", "emnist-balanced", "usps")


def read(name: str, scratch: Path) -> Found:
    """The data set of this name, downloaded to the folder `scratch`."""
    if name not in NAMES:
        raise DataError(f"{name}: of {PLACE} there are {', '.join(NAMES)}")
    try:
        sets = [_get(name)(scratch, train=train, download=True) for train in (True, False)]
    except (RuntimeError, OSError) as error:
        raise DataError(f"{PLACE}: {name}: {' '.join(str(error).split())}") from None
    images = [np.asarray(part.data) for part in sets]
    labels = [np.asarray(part.targets) for part in sets]
    classes = list(string.digits)
    match name:
        case "kmnist":
            classes = sets[0].classes
        case "qmnist":
            labels = [part[:, 0] for part in labels]  # the rest tells who wrote it
        case "emnist-letters":
            classes = list(string.ascii_lowercase)
            labels = [part - 1 for part in labels]  # there is no letter 0
        case "emnist-balanced":
            classes = sets[0].classes
    if name.startswith("emnist"):
        images = [part.transpose(0, 2, 1) for part in images]  # which lie on their side
    training, test = map(Part, images, labels)
    return Found(training, test, classes)


def _get(name: str) -> Any:
    """torchvision's class of this name."""
    from torchvision import datasets  # takes seconds

    match name.split("-"):
        case ["emnist", split]:
            return functools.partial(datasets.EMNIST, split=split)
        case _:
            return getattr(datasets, name.upper())
