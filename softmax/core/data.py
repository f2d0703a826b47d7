"""Data sets in memory: IDX files mapped in, and batches laid out as matrices."""

import math
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax.core.arithmetic import WHITE
from softmax.core.arrays import Array, aligned, namespace, upload
from softmax.core.workers import ALONE, Workers
from softmax.errors import DataError

CLASSES = 10
WINDOW = 2**16  # images of an epoch that are in memory at a time: all of MNIST
PIECE = 256  # images that are read before the pages of the file are let go


class Dataset(NamedTuple):
    """Images as uint8 rows of pixels (n, height * width), and their labels, uint8 (n,).

    Other samples are rows of features in whole 255ths, -255 to 255, of any integer type.
    """

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


class Batch(NamedTuple):
    """A worker's share of the `size` images of a batch, laid out as matrices of columns.

    x is 255 times the pixels with a last row of white, float64 (features + 1, n), y is one-hot,
    float64 (classes, n).
    """

    x: Array
    y: Array
    size: int


def batches(
    data: Dataset,
    order: Array | range,
    size: int,
    workers: Workers = ALONE,
    classes: int = CLASSES,
) -> Iterator[Batch]:
    """This worker's share of each batch of `size` images in `order`, int64 indices or a range.

    The memory of x is used again for the next batch.
    """
    xp = namespace(data.images)
    mine = order[workers.rank :: workers.size]
    most = workers.share(min(size, len(order)) + workers.rank) or 1
    buffer = aligned(most, data.images.shape[1] + 1, data.images)
    buffer[:, -1] = WHITE
    identity = xp.eye(classes, dtype=xp.float64, device=data.images.device)
    step = max(WINDOW // size, 1) * size
    for first in range(0, len(order), step):
        window = slice(workers.share(first), workers.share(first + step))
        images, labels = (_take(x, mine[window]) for x in data)
        one_hot = xp.take(identity, xp.astype(labels, xp.int64), axis=0)
        for start in range(first, min(first + step, len(order)), size):
            batch = slice(*(workers.share(k) - window.start for k in (start, start + size)))
            pixels = buffer[: len(images[batch])]
            pixels[:, :-1] = images[batch]
            yield Batch(pixels.T, one_hot[batch].T, min(size, len(order) - start))
        del images, labels, one_hot  # before the next window needs the memory
        for x in data:
            _let_go(x)


def _take(rows: Array, order: Array | range) -> Array:
    """`rows` in `order`. Of a file, they are read in the order of the file, piece by piece."""
    if isinstance(order, range):
        return rows[order.start : order.stop : order.step]
    if not isinstance(rows, np.ndarray):
        return namespace(rows).take(rows, order, axis=0)
    taken = np.empty((len(order), *rows.shape[1:]), rows.dtype)
    ascending = np.argsort(order)
    for start in range(0, len(order), PIECE):
        piece = ascending[start : start + PIECE]
        taken[piece] = rows[order[piece]]
        _let_go(rows)
    return taken


def _let_go(array: Array) -> None:
    """Give the memory of a mapped file back; its pages return when they are read again."""
    owner: object = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, mmap.mmap):
        owner.madvise(mmap.MADV_DONTNEED)


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


def load(images_path: Path, labels_path: Path) -> Dataset:
    """The images and their labels; DataError unless each has a label below CLASSES."""
    images, labels = read_idx(images_path, 3), read_idx(labels_path, 1)
    if not 0 < len(images) == len(labels):
        raise DataError(f"{labels_path}: {len(labels)} labels for {len(images)} images")
    if (last := labels.max()) >= CLASSES:
        found = f"labels {labels.min()} to {last}"
        raise DataError(f"{labels_path}: {found}, allowed are 0 to {CLASSES - 1}")
    return Dataset(images.reshape(len(images), -1), labels)
