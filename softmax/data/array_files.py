"""Read data sets that are arrays: .npz, IDX files, and torchvision's data sets."""

import functools
import gzip
import math
import string
import tempfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax.core import idx
from softmax.data import sources
from softmax.data.raw_dataset import SPLITS, RawDataset, join, shortened
from softmax.errors import DataError, FormatError, SourceError
from softmax.pipeline.datasets import CLASSES, FILES

KERAS = {"train": ("x_train", "y_train"), "test": ("x_test", "y_test")}
MEDMNIST = {split: (f"{split}_images", f"{split}_labels") for split in SPLITS}
LIMIT = 5 * 10**9  # maximum bytes of an IDX file: six million images of 28 x 28 pixels
TORCHVISION_NAMES = ("kmnist", "qmnist", "emnist-letters", "emnist-balanced", "usps")


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an .npz file by name, without unpickling. Raise DataError if invalid."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: np.asarray(archive[name]) for name in archive}  # a member may be bytes
    except Exception as error:  # damaged files raise many kinds of errors
        raise DataError(f"{path}: not an .npz of plain arrays ({error}). Save it again.") from None


def read_images(path: Path, shape: tuple[int, ...]) -> dict[str, NDArray[np.uint8]]:
    """Return the arrays of images in an .npz file by name, uint8 (n, rows, columns[, 3]).

    If images of `shape` exist, omit all others. Reshape single images and rows of pixels to arrays
    of images. Raise DataError if no array contains images, or if their values are not pixels.
    """
    arrays, found = _arrays(path), {}
    for name, array in arrays.items():
        rows = array.reshape(-1, *shape) if array.shape[-1:] == (math.prod(shape),) else array
        images = rows[None] if rows.shape == shape else rows
        if images.ndim in (3, 4):
            found[name] = images
    same = [name for name in found if found[name].shape[1:] in (shape, (*shape, 1))]
    if not found:
        raise DataError(f"{path}: no images in {shortened([*arrays])}. Use (n, rows, columns).")
    return {name: _images(path, name, found[name]) for name in same or found}


def read_npz(path: Path) -> RawDataset:
    """Read an .npz file with the array names of Keras or MedMNIST. Raise DataError if invalid."""
    arrays, read = _arrays(path), []
    for split, (x, y) in (MEDMNIST if "train_images" in arrays else KERAS).items():
        if x in arrays and y in arrays:
            read.append((split, _images(path, x, arrays[x]), _labels(path, y, arrays[y])))
        elif split != "val":
            wanted = "x_train, y_train, x_test, y_test or train_images, train_labels, ..."
            raise DataError(f"{path}: contains {shortened(list(arrays))}. Name the arrays {wanted}")
    return join(path, read)


def _images(path: Path, name: str, array: NDArray[Any]) -> NDArray[np.uint8]:
    """Return images as uint8 (n, rows, columns[, 3]). Raise DataError for other arrays."""
    fits = array.dtype.kind in "iu" and array.size and 0 <= array.min() <= array.max() <= 255
    if not fits and array.dtype != np.uint8:
        raise DataError(
            f"{path}: {name} ({array.dtype}) should contain only integers from 0 to 255. If white "
            f"is 1, save (255 * {name}).round().astype('uint8')."
        )
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim != 3 and not (array.ndim == 4 and array.shape[3] == 3):
        raise DataError(f"{path}: {name} has shape {array.shape}. Use (n, rows, columns).")
    return array.astype(np.uint8, copy=False)


def _labels(path: Path, name: str, array: NDArray[Any]) -> NDArray[np.str_]:
    """Convert labels, which are numbers, names, UTF-8 bytes or one-hot vectors, to text (n,)."""
    wide = array.ndim == 2 and array.shape[1] > 1
    if wide and np.isin(array, (0, 1)).all() and (array.sum(axis=1) == 1).all():
        array = array.argmax(axis=1)
    if array.ndim not in (1, 2) or array.size != len(array):
        raise DataError(f"{path}: {name} has shape {array.shape}. Use (n,).")
    if array.dtype.kind == "S":
        try:
            array = np.char.decode(array, "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: {name} is not UTF-8 ({error}). Encode it as UTF-8.") from None
    return array.astype(np.str_).ravel()


def are_idx(source: str) -> bool:
    """Tell whether `source` is a URL, or a directory that contains an IDX file named in FILES."""
    names = (f"{file}{ending}" for file in FILES for ending in ("", ".gz"))
    return "://" in source or any(Path(source, name).exists() for name in names)


def read_idx(source: str) -> RawDataset:
    """Read IDX files from a directory or URL, with labels as class names, or raise DataError."""
    try:
        with tempfile.TemporaryDirectory() as directory:
            paths = [Path(directory, file) for file in FILES]
            contents = sources.read_mirror(source, [LIMIT] * len(FILES))
            for path, content in zip(paths, contents, strict=True):
                path.write_bytes(content)
            images = [idx.read(path, _dimensions(path)).view(np.uint8) for path in paths[::2]]
            labels = [idx.read(path, 1) for path in paths[1::2]]
    except (SourceError, DataError) as error:
        raise DataError(f"{source}: {str(error).replace(f'{directory}/', '')}") from None
    first, last = min(x.min() for x in labels), max(x.max() for x in labels)
    if first < 0 or last >= CLASSES:
        raise DataError(f"{source}: labels are {first} to {last}. Use 0 to {CLASSES - 1}.")
    return _in_order(source, images, labels, list(map(str, range(last + 1))))


def is_idx(path: Path) -> bool:
    """Tell whether a file, decompressed if its name ends in .gz, begins like an IDX file."""
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            return file.read(2) == b"\0\0"
    except (OSError, EOFError, zlib.error):  # a damaged file can only be recognized by its name
        return path.name.removesuffix(".gz").endswith("-ubyte")


def read_idx_images(path: Path) -> NDArray[np.uint8]:
    """Return the images of an IDX file, uint8 (n, rows, columns[, 3]), or raise DataError."""
    with tempfile.TemporaryDirectory() as directory:
        plain = path
        try:
            if path.suffix == ".gz":
                plain = Path(directory, path.stem)
                plain.write_bytes(gzip.decompress(path.read_bytes()))
            return idx.read(plain, _dimensions(plain)).view(np.uint8)
        except (OSError, EOFError, zlib.error, FormatError) as error:
            # FormatError would add the remedy for a downloaded file
            raise DataError(f"{path}: {str(error).removeprefix(f'{plain}: ')}") from None


def _dimensions(path: Path) -> int:
    """Return the number of dimensions that the header states: 4 for RGB images, else 3."""
    with path.open("rb") as file:
        return 4 if file.read(4)[3:] == b"\4" else 3


def _in_order(
    source: str, images: list[NDArray[Any]], labels: list[NDArray[Any]], classes: list[str]
) -> RawDataset:
    """Join a training and a test set whose order is kept, so unchanged files keep their SHA-256."""
    names = [np.array(classes)[x] for x in labels]
    raw = join(source, list(zip(("train", "test"), images, names, strict=True)))
    return raw._replace(classes=classes, ordered=True)


def read_torchvision(name: str) -> RawDataset:
    """Download the data set `name` with torchvision. Raise DataError if that fails."""
    if name not in TORCHVISION_NAMES:
        names = ", ".join(TORCHVISION_NAMES)
        raise DataError(f"{name}: not a supported torchvision data set. Use one of these: {names}.")
    from torchvision import datasets  # takes seconds to import

    family, _, split = name.partition("-")
    dataset = getattr(datasets, family.upper())
    create = functools.partial(dataset, split=split) if split else dataset
    with tempfile.TemporaryDirectory() as directory:
        try:
            sets = [create(directory, train=train, download=True) for train in (True, False)]
        except (RuntimeError, OSError) as error:
            raise DataError(f"torchvision: {name}: {' '.join(str(error).split())}") from None
    images = [np.asarray(x.data) for x in sets]
    labels = [np.asarray(x.targets) for x in sets]
    classes = list(string.digits)
    match name:
        case "kmnist" | "emnist-balanced":
            classes = sets[0].classes
        case "qmnist":
            labels = [x[:, 0] for x in labels]  # other columns identify the writer
        case "emnist-letters":
            classes = list(string.ascii_lowercase)
            labels = [x - 1 for x in labels]  # torchvision counts letters from 1
    if split:
        images = [x.transpose(0, 2, 1) for x in images]  # torchvision returns them transposed
    raw = _in_order(name, images, labels, classes)
    return raw if name == "usps" else raw._replace(prepared="pen strokes")
