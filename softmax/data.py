"""Data sets on disk: four IDX files in data/<dataset>/, each pinned by its SHA-256."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from softmax import device
from softmax.arithmetic import WHITE, Array
from softmax.errors import DataError

CLASSES = 10
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
SHA256 = {
    "mnist": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    "fashion-mnist": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}
HOMEPAGE = {
    "mnist": "http://yann.lecun.com/exdb/mnist/",
    "fashion-mnist": "https://github.com/zalandoresearch/fashion-mnist",
}


class Dataset(NamedTuple):
    """Images as uint8 rows of pixels (n, height * width), and their labels, int64 (n,)."""

    images: Array
    labels: Array

    def to(self, name: str) -> "Dataset":
        """The same data on the device called `name`."""
        return Dataset(*(device.upload(x, name) for x in self))

    def split(self, held_out: int) -> tuple["Dataset", "Dataset"]:
        """All but the last `held_out` images, and those; DataError if too few would remain."""
        kept = len(self.labels) - held_out
        if kept < 1:
            raise DataError(
                f"train.validation = {held_out} leaves none of the {len(self.labels)} training "
                f"images; hold out at most {len(self.labels) - 1}"
            )
        return Dataset(*(x[:kept] for x in self)), Dataset(*(x[kept:] for x in self))


def batches(data: Dataset, order: Array, size: int) -> Iterator[tuple[Array, Array]]:
    """The images in `order`, int64 indices, laid out as matrices with up to `size` columns.

    Yields 255 x, float64 (features + 1, n) with a last row of white, and the one-hot y, float64
    (classes, n). The memory of x is used again for the next batch.
    """
    xp = array_namespace(data.images)
    buffer = device.aligned(size, data.images.shape[1] + 1, data.images)
    buffer[:, -1] = WHITE
    one_hot = xp.eye(CLASSES, dtype=xp.float64, device=data.images.device)
    for start in range(0, len(order), size):
        images, labels = (xp.take(x, order[start : start + size], axis=0) for x in data)
        pixels = buffer[: len(images)]
        pixels[:, :-1] = images
        yield pixels.T, xp.take(one_hot, labels, axis=0).T


def directory(dataset: str) -> Path:
    """Where the files of `dataset` lie."""
    return Path("data") / dataset


def load_training(dataset: str) -> Dataset:
    """The training set of `dataset`; raises DataError as `read_idx` does."""
    return _load(directory(dataset), *FILES[:2])


def load_test(dataset: str) -> Dataset:
    """The test set of `dataset`; raises DataError as `read_idx` does."""
    return _load(directory(dataset), *FILES[2:])


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Map an IDX file of unsigned bytes into memory, copy on write.

    Source: http://yann.lecun.com/exdb/mnist, "The IDX file format". Raises DataError unless the
    header announces `dimensions` dimensions and exactly the bytes that follow.
    """
    offset = 4 + 4 * dimensions
    try:
        with path.open("rb") as file:
            header = file.read(offset)
        magic, *shape = np.frombuffer(header, ">u4").tolist()
        if magic != 0x0800 + dimensions or path.stat().st_size != offset + math.prod(shape):
            raise ValueError
        return np.asarray(np.memmap(path, np.uint8, mode="c", offset=offset, shape=tuple(shape)))
    except FileNotFoundError:
        raise DataError(f"{path}: not found; run `dvc repro download`") from None
    except ValueError:
        raise DataError(
            f"{path}: not an IDX file of unsigned bytes in {dimensions} dimensions; remove it "
            "and run `dvc repro download`"
        ) from None


def _load(folder: Path, images_name: str, labels_name: str) -> Dataset:
    images = read_idx(folder / images_name, 3)
    labels = read_idx(folder / labels_name, 1)
    if len(images) != len(labels) or labels.max(initial=0) >= CLASSES:
        raise DataError(f"{folder}: {labels_name} should give each image one of {CLASSES} classes")
    return Dataset(images.reshape(len(images), -1), labels.astype(np.int64))
