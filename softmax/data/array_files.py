"""Read data sets that are arrays: Keras' .npz, IDX files, and those that torchvision downloads."""

import functools
import string
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax.core import idx
from softmax.data import sources
from softmax.data.raw_dataset import RawDataset, Split, encode, shortened
from softmax.errors import DataError, SourceError
from softmax.pipeline.datasets import CLASSES, FILES

KERAS = ("x_train", "y_train", "x_test", "y_test")
MEDMNIST = ("train_images", "train_labels", "test_images", "test_labels")
VALIDATION = ("val_images", "val_labels")


def read_npz(place: Path) -> RawDataset:
    """Read arrays named as in Keras' mnist.npz or as MedMNIST does.

    MedMNIST's validation set becomes the end of the training set.
    """
    arrays, notes = _load_npz(place), list[str]()
    names = next((names for names in (KERAS, MEDMNIST) if set(names) <= arrays.keys()), None)
    if names is None:
        wanted = f"should hold {', '.join(KERAS)} or {', '.join(MEDMNIST)}"
        raise DataError(f"{place}: holds {shortened(list(arrays))}; {wanted}")
    if set(VALIDATION) <= arrays.keys():
        for name, more in zip(names, VALIDATION, strict=False):
            arrays[name] = np.concatenate([arrays[name], arrays[more]])
        count = len(arrays[VALIDATION[1]])
        notes = [f"its validation set ends the training set; set train.validation to {count}"]
    images = [_images(place, name, arrays[name]) for name in names[::2]]
    labels = [_labels(place, name, arrays[name]) for name in names[1::2]]
    for x, y, part, known in zip(names[::2], names[1::2], images, labels, strict=True):
        if len(part) != len(known):
            raise DataError(f"{place}: {len(known)} labels {y} for {len(part)} images {x}")
    classes, indices = encode(place, *labels)
    training, test = map(Split, images, indices)
    return RawDataset(training, test, classes, notes)


def _load_npz(place: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays by name. Nothing in the file is unpickled."""
    try:
        with np.load(place, allow_pickle=False) as archive:
            return dict(archive)
    except Exception as error:  # whatever a reader comes upon in damaged bytes
        raise DataError(f"{place}: not an .npz of plain arrays, or damaged: {error}") from None


def _images(place: Path, name: str, array: NDArray[Any]) -> NDArray[np.uint8]:
    """Return images as uint8, (n, rows, columns) or (n, rows, columns, 3)."""
    whole = array.dtype.kind in "iu" and array.size and 0 <= array.min() <= array.max() <= 255
    if not whole and array.dtype != np.uint8:
        raise DataError(
            f"{place}: {name} is {array.dtype}; should be whole numbers from 0 to 255, as of "
            f"(255 * {name}).round().astype('uint8') where white is 1"
        )
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim != 3 and not (array.ndim == 4 and array.shape[3] == 3):
        raise DataError(
            f"{place}: {name} has shape {array.shape}; should be (n, rows, columns) or "
            "(n, rows, columns, 3)"
        )
    return array.astype(np.uint8, copy=False)


def _labels(place: Path, name: str, array: NDArray[Any]) -> NDArray[np.str_]:
    """Return labels as text, (n,): numbers, names, in UTF-8 where they are bytes, or one-hot."""
    wide = array.ndim == 2 and array.shape[1] > 1
    if wide and np.isin(array, (0, 1)).all() and (array.sum(axis=1) == 1).all():
        array = array.argmax(axis=1)
    if array.ndim not in (1, 2) or array.size != len(array):
        raise DataError(f"{place}: {name} has shape {array.shape}; should be (n,)")
    if array.dtype.kind == "S":
        try:
            array = np.char.decode(array, "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{place}: {name} is not UTF-8: {error}") from None
    return array.astype(np.str_).ravel()


LIMIT = 5 * 10**9  # bytes of a file: six million images of 28 x 28 pixels


def lie_at(place: str) -> bool:
    """Whether what is at `place` should be four IDX files."""
    names = (f"{file}{ending}" for file in FILES for ending in ("", ".gz"))
    return "://" in place or any(Path(place, name).exists() for name in names)


def read_idx(place: str, directory: Path) -> RawDataset:
    """The files, uncompressed and written to `folder`; a class is called by its label."""
    try:
        for file, content in zip(
            FILES, sources.read_mirror(place, [LIMIT] * len(FILES)), strict=True
        ):
            (directory / file).write_bytes(content)
    except SourceError as error:
        raise DataError(f"{place}: {error}") from None
    try:
        return _load_idx(*(directory / file for file in FILES))
    except DataError as error:
        raise DataError(str(error).replace(str(directory), place)) from None


def _load_idx(*paths: Path) -> RawDataset:
    """The images and labels in the four files, where they stay."""
    images = [idx.read(path, _dimensions(path)).view(np.uint8) for path in paths[::2]]
    labels = [idx.read(path, 1) for path in paths[1::2]]
    first, last = min(part.min() for part in labels), max(part.max() for part in labels)
    if first < 0 or last >= CLASSES:
        raise DataError(
            f"{paths[0].parent}: labels {first} to {last}, allowed are 0 to {CLASSES - 1}"
        )
    training, test = (Split(*pair) for pair in zip(images, labels, strict=True))
    return RawDataset(training, test, list(map(str, range(last + 1))))


def _dimensions(path: Path) -> int:
    """4 of RGB images, as the header says, else 3."""
    with path.open("rb") as file:
        return 4 if file.read(4)[3:] == b"\4" else 3


def write(found: RawDataset, directory: Path) -> None:
    """Write the data to `folder` as four IDX files."""
    kind = np.uint8 if len(found.classes) <= 256 else ">i4"
    for part, names in zip((found.training, found.test), (FILES[:2], FILES[2:]), strict=True):
        for name, array in zip(names, (part.images, part.labels.astype(kind)), strict=True):
            with (directory / name).open("wb") as file:
                file.write(idx.header(array))
                array.tofile(file)


PLACE = "torchvision"
TORCHVISION_NAMES = ("kmnist", "qmnist", "emnist-letters", "emnist-balanced", "usps")


def read_torchvision(name: str, scratch: Path) -> RawDataset:
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
            labels = [part - 1 for part in labels]  # the first letter is 1
        case "emnist-balanced":
            classes = sets[0].classes
    if name.startswith("emnist"):
        images = [part.transpose(0, 2, 1) for part in images]  # which lie on their side
    training, test = map(Split, images, labels)
    return RawDataset(training, test, classes)


def _get(name: str) -> Any:
    """torchvision's class of this name."""
    from torchvision import datasets  # takes seconds

    match name.split("-"):
        case ["emnist", split]:
            return functools.partial(datasets.EMNIST, split=split)
        case _:
            return getattr(datasets, name.upper())
