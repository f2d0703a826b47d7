"""How good a model is on a data set: mean loss and accuracy."""

from typing import NamedTuple

from softmax import arithmetic, model
from softmax.arrays import Array, namespace
from softmax.data import Dataset, batches

CHUNK = 64  # images at a time: few enough to keep BLAS from waiting for threads on a busy machine


class Score(NamedTuple):
    """Mean cross-entropy in nats, and how many of the images were classified correctly."""

    loss: float
    correct: int
    total: int

    @property
    def accuracy(self) -> float:
        """The fraction classified correctly."""
        return self.correct / self.total


def score(theta: Array, data: Dataset) -> Score:
    """Score the model on `data`, a chunk of images at a time.

    Raises RangeError if the losses are too large to sum exactly.
    """
    xp, total = namespace(data.images), len(data.labels)
    losses, predicted = [], []
    for x, y in batches(data, xp.arange(total, device=data.images.device), CHUNK):
        z = model.logits(theta, x)
        losses.append(model.cross_entropy(z, y))
        predicted.append(model.predict(z))
    loss = arithmetic.exact_sum(xp.concat(losses), arithmetic.LOSS_GRID)
    return Score(loss / total, int((xp.concat(predicted) == data.labels).sum()), total)
