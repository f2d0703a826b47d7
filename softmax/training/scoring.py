"""Score a model on a data set: mean loss and accuracy."""

from typing import NamedTuple

from softmax.core import arithmetic, model
from softmax.core.arrays import Array, namespace
from softmax.core.batches import Dataset, batches
from softmax.core.workers import ALONE, Workers

CHUNK = 256  # images at a time; chunks of 64 take twice as long, and larger chunks save little


class Score(NamedTuple):
    """Mean cross-entropy in nats, and how many of the images were classified correctly."""

    loss: float
    correct: int
    total: int

    @property
    def accuracy(self) -> float:
        return self.correct / self.total


def score(theta: Array, data: Dataset, workers: Workers = ALONE) -> Score:
    """Score the model on `data`, whose images the workers share.

    Raise RangeError if the losses are too large to sum exactly.
    """
    return from_sums(sums(theta, data, workers), len(data.labels))


def sums(theta: Array, data: Dataset, workers: Workers = ALONE) -> Array:
    """Return total loss and number of correct predictions of stacked models: float64 (2, ...)."""
    xp, total = namespace(data.images), len(data.labels)
    result = xp.zeros((2, *theta.shape[:-2]), dtype=xp.float64, device=data.images.device)
    for x, y, _ in batches(data, range(total), CHUNK * workers.size, workers):
        z = model.logits(theta, x)
        result[0] += model.cross_entropy(z, y).sum(axis=-1)
        result[1] += (model.predict(z) == model.predict(y)).sum(axis=-1)
    return workers.sum(result)


def from_sums(sums: Array, total: int) -> Score:
    """Convert `sums` of `total` images to a Score. Raise RangeError if the sum may have rounded."""
    loss, correct = sums
    return Score(arithmetic.exact_sum(loss, arithmetic.LOSS_GRID) / total, int(correct), total)
