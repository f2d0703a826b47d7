"""Read data sets that are arrays: Keras' .npz, IDX files, and those that torchvision downloads."""

import functools
import string
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax.core import idx
from softmax.data import download
from softmax.data.raw_dataset import Found, Part, encode, shortened
from softmax.errors import DataError, SourceError
from softmax.pipeline.datasets import CLASSES, FILES

NAMES = ("x_train", "y_train", "x_test", "y_test")


def read_npz(place: Path) -> Found:
    """The images, uint8 as they are, and the labels, integers or names."""
    arrays = _load_npz(place)
    for x, y in (NAMES[:2], NAMES[2:]):
        if len(arrays[x]) != arrays[y].size:
            raise DataError(f"{place}: {arrays[y].size} labels {y} for {len(arrays[x])} images {x}")
    classes, labels = encode(place, *(arrays[y].astype(np.str_).ravel() for y in NAMES[1::2]))
    training, test = (
        Part(_images(place, x, arrays[x]), indices)
        for x, indices in zip(NAMES[::2], labels, strict=True)
    )
    return Found(training, test, classes)


def _load_npz(place: Path) -> dict[str, NDArray[Any]]:
    """The arrays by name."""
    try:
        with np.load(place, allow_pickle=False) as archive:
            if missing := [name for name in NAMES if name not in archive]:
                raise DataError(
                    f"{place}: holds {shortened(list(archive))}, but no {', '.join(missing)}; "
                    f"should hold {', '.join(NAMES)}"
                )
            return {name: archive[name] for name in NAMES}
    except DataError:
        raise
    except Exception as error:  # whatever a reader comes upon in damaged bytes
        raise DataError(f"{place}: not an .npz of plain arrays, or damaged: {error}") from None


def _images(place: Path, name: str, array: NDArray[Any]) -> NDArray[np.uint8]:
    """`array` as (n, rows, columns) or (n, rows, columns, 3)."""
    if array.dtype != np.uint8:
        raise DataError(
            f"{place}: {name} is {array.dtype}; should be uint8, 0 to 255, as of "
            f"(255 * {name}).round().astype('uint8') where white is 1"
        )
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim != 3 and not (array.ndim == 4 and array.shape[3] == 3):
        raise DataError(
            f"{place}: {name} has shape {array.shape}; should be (n, rows, columns) or "
            "(n, rows, columns, 3)"
        )
    return array


LIMIT = 5 * 10**9  # bytes of a file: six million images of 28 x 28 pixels


def lie_at(place: str) -> bool:
    """Whether what is at `place` should be four IDX files."""
    names = (f"{file}{ending}" for file in FILES for ending in ("", ".gz"))
    return "://" in place or any(Path(place, name).exists() for name in names)


def read_idx(place: str, folder: Path) -> Found:
    """The files, uncompressed and written to `folder`; a class is called by its label."""
    try:
        for file, content in zip(
            FILES, download.read_mirror(place, [LIMIT] * len(FILES)), strict=True
        ):
            (folder / file).write_bytes(content)
    except SourceError as error:
        raise DataError(f"{place}: {error}") from None
    try:
        return _load_idx(*(folder / file for file in FILES))
    except DataError as error:
        raise DataError(str(error).replace(str(folder), place)) from None


def _load_idx(*paths: Path) -> Found:
    """The images and labels in the four files, where they stay."""
    images = [idx.read(path, _dimensions(path)).view(np.uint8) for path in paths[::2]]
    labels = [idx.read(path, 1) for path in paths[1::2]]
    first, last = min(part.min() for part in labels), max(part.max() for part in labels)
    if first < 0 or last >= CLASSES:
        raise DataError(
            f"{paths[0].parent}: labels {first} to {last}, allowed are 0 to {CLASSES - 1}"
        )
    training, test = (Part(*pair) for pair in zip(images, labels, strict=True))
    return Found(training, test, list(map(str, range(last + 1))))


def _dimensions(path: Path) -> int:
    """4 of RGB images, as the header says, else 3."""
    with path.open("rb") as file:
        return 4 if file.read(4)[3:] == b"\4" else 3


def write(found: Found, folder: Path) -> None:
    """Write the data to `folder` as four IDX files."""
    kind = np.uint8 if len(found.classes) <= 256 else ">i4"
    for part, names in zip((found.training, found.test), (FILES[:2], FILES[2:]), strict=True):
        for name, array in zip(names, (part.images, part.labels.astype(kind)), strict=True):
            with (folder / name).open("wb") as file:
                file.write(idx.header(array))
                array.tofile(file)


PLACE = "torchvision"
TORCHVISION_NAMES = ("kmnist", "qmnist", "emnist-letters", "emnist-balanced", "usps")


def read_torchvision(name: str, scratch: Path) -> Found:
    """The data set of this name, downloaded to the folder `scratch`."""
    if name not in TORCHVISION_NAMES:
        raise DataError(f"{name}: of {PLACE} there are {', '.join(TORCHVISION_NAMES)}")
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
