"""Load data sets into memory, and arrange batches as matrices."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from softmax.core import idx
from softmax.core.arithmetic import MAX_PIXEL
from softmax.core.arrays import Array, aligned, namespace
from softmax.core.workers import ALONE, Workers
from softmax.errors import FormatError


class Dataset(NamedTuple):
    """Images, uint8 (n, features), and their labels, integers (n,) from 0 to classes - 1.

    Samples that are not images contain integers from -255 to 255: 255 times their features.
    """

    images: Array
    labels: Array
    classes: int

    def map(self, function: Callable[[Array], Array]) -> "Dataset":
        """Return a data set with `function` applied to the images and to the labels."""
        return Dataset(function(self.images), function(self.labels), self.classes)

    def to(self, device: str) -> "Dataset":
        """Return the data set on `device`, "cpu" (NumPy) or "cuda" (torch)."""
        if device == "cpu":
            return self
        import torch

        return self.map(lambda x: torch.asarray(x, device=device))

    def split(self, count: int) -> tuple["Dataset", "Dataset"]:
        """Return two data sets: all images except the last `count`, and the last `count`."""
        kept = len(self.labels) - count
        return self.map(lambda x: x[:kept]), self.map(lambda x: x[kept:])


class Batch(NamedTuple):
    """A worker's share, n images, of a batch of `size` images. Each image is a column.

    x, float64 (features + 1, n), contains pixels from 0 to 255, and 255 in the last row for the
    bias. y, float64 (classes, n), contains the labels in one-hot encoding.
    """

    x: Array
    y: Array
    size: int


def batches(
    data: Dataset, order: Array | range, size: int, workers: Workers = ALONE
) -> Iterator[Batch]:
    """Yield this worker's share of each batch of `size` images in `order`, int64 or a range.

    Each batch overwrites the x of the previous batch.
    """
    xp = namespace(data.images)
    mine = order[workers.rank :: workers.size]
    largest = workers.share(min(size, len(order)) + workers.rank) or 1
    buffer = aligned(largest, data.images.shape[1] + 1, data.images)
    buffer[:, -1] = MAX_PIXEL
    identity = xp.eye(data.classes, dtype=xp.float64, device=data.images.device)
    for start in range(0, len(order), size):
        share = mine[workers.share(start) : workers.share(start + size)]
        pixels = buffer[: len(share)]
        pixels[:, :-1] = _take(data.images, share)
        labels = xp.astype(_take(data.labels, share), xp.int64)
        one_hot = xp.take(identity, labels, axis=0)
        yield Batch(pixels.T, one_hot.T, min(size, len(order) - start))


def _take(rows: Array, chosen: Array | range) -> Array:
    if isinstance(chosen, range):
        return rows[chosen.start : chosen.stop : chosen.step]
    return namespace(rows).take(rows, chosen, axis=0)


def load(images_path: Path, labels_path: Path, shape: tuple[int, ...], classes: int) -> Dataset:
    """Read images of `shape`, (n, rows, columns) or (n, rows, columns, 3), and their labels.

    Raise FormatError if a file is missing or not IDX, if the images have a different shape, if the
    number of labels differs, or if a label is not in 0 ... classes-1.
    """
    images, labels = idx.read(images_path, len(shape)), idx.read(labels_path, 1)
    if images.shape != shape:
        raise FormatError(f"{images_path}: {sized(images.shape)} instead of {sized(shape)}")
    if len(labels) != len(images):
        raise FormatError(f"{labels_path}: {len(labels)} labels for {len(images)} images")
    if not 0 <= labels.min() <= labels.max() < classes:
        found = f"labels {labels.min()} to {labels.max()}"
        raise FormatError(f"{labels_path}: {found} instead of 0 to {classes - 1}")
    native = labels.astype(labels.dtype.newbyteorder("="), copy=False)
    return Dataset(images.reshape(len(images), -1), native, classes)


def sized(shape: tuple[int, ...]) -> str:
    """Return a shape in words, such as "3 images of 2 x 4"."""
    count, *sides = shape
    return f"{count} images of {' x '.join(map(str, sides))}"
