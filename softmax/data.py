"""Data sets in memory: IDX files mapped in, and batches laid out as matrices."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax.arithmetic import WHITE
from softmax.arrays import Array, aligned, namespace, upload
from softmax.catalog import FILES, directory
from softmax.errors import DataError

CLASSES = 10


class Dataset(NamedTuple):
    """Images as uint8 rows of pixels (n, height * width), and their labels, int64 (n,)."""

    images: Array
    labels: Array

    def to(self, device: str) -> "Dataset":
        """The same data where `device`, "cpu" or "cuda", computes."""
        return Dataset(*(upload(x, device) for x in self))

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
    xp = namespace(data.images)
    buffer = aligned(min(size, len(order)), data.images.shape[1] + 1, data.images)
    buffer[:, -1] = WHITE
    one_hot = xp.eye(CLASSES, dtype=xp.float64, device=data.images.device)
    for start in range(0, len(order), size):
        images, labels = (xp.take(x, order[start : start + size], axis=0) for x in data)
        pixels = buffer[: len(images)]
        pixels[:, :-1] = images
        yield pixels.T, xp.take(one_hot, labels, axis=0).T


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
    if not 0 < len(images) == len(labels) or labels.max() >= CLASSES:
        raise DataError(f"{folder}: {labels_name} should give each image one of {CLASSES} classes")
    return Dataset(images.reshape(len(images), -1), labels.astype(np.int64))
