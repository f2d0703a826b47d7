"""How good a model is on a data set: mean loss and accuracy."""

from typing import NamedTuple

from softmax.core import arithmetic, model
from softmax.core.arrays import Array, namespace
from softmax.core.batches import Dataset, batches
from softmax.core.workers import ALONE, Workers

CHUNK = 256  # images at a time: chunks of 64 take twice as long, larger ones little less


class Score(NamedTuple):
    """Mean cross-entropy in nats, and how many of the images were classified correctly."""

    loss: float
    correct: int
    total: int

    @property
    def accuracy(self) -> float:
        """The fraction classified correctly."""
        return self.correct / self.total


def score(theta: Array, data: Dataset, workers: Workers = ALONE) -> Score:
    """Score the model on `data`, each worker a chunk of images at a time.

    Raises RangeError if the losses are too large to sum exactly.
    """
    return from_sums(sums(theta, data, workers), len(data.labels))


def sums(theta: Array, data: Dataset, workers: Workers = ALONE) -> Array:
    """The sum of the losses and how many are right, of each stacked model: float64 (2, ...)."""
    xp, total = namespace(data.images), len(data.labels)
    found = xp.zeros((2, *theta.shape[:-2]), dtype=xp.float64, device=data.images.device)
    for x, y, _ in batches(data, range(total), CHUNK * workers.size, workers):
        z = model.logits(theta, x)
        found[0] += model.cross_entropy(z, y).sum(axis=-1)
        found[1] += (model.predict(z) == model.predict(y)).sum(axis=-1)
    return workers.sum(found)


def from_sums(sums: Array, total: int) -> Score:
    """The score of a model from its `sums` over `total` images; RangeError if they rounded."""
    loss, correct = sums
    return Score(arithmetic.exact_sum(loss, arithmetic.LOSS_GRID) / total, int(correct), total)
