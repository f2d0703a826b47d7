"""Mini-batch gradient descent: epochs of shuffled batches, and a score after each."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from softmax.core import arithmetic, arrays, model
from softmax.core.arrays import Array
from softmax.core.data import CLASSES, Dataset, batches
from softmax.core.scoring import Score, score
from softmax.core.workers import ALONE, Workers
from softmax.training import optimizers, randomness

REPORT_EVERY = 100  # batches, as in the lecture
INITIALISATION = 0  # the random stream of the weights; epoch e shuffles with stream e


class Hyperparameters(NamedTuple):
    """What a training depends on besides its data, named as in params.yaml."""

    seed: int
    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    schedule: str
    momentum: float
    weight_decay: float
    averaging: float


class Epoch(NamedTuple):
    """What one pass over the training set left behind."""

    number: int
    batches: int
    theta: np.ndarray
    batch_losses: dict[int, float]  # of every 100th batch, counted from 1
    training: Score
    validation: Score | None


def fit(
    training: Dataset,
    validation: Dataset,
    params: Hyperparameters,
    workers: Workers = ALONE,
    classes: int = CLASSES,
) -> Iterator[Epoch]:
    """Train where the arrays of the data live, yielding after each epoch, the same to each worker.

    Raises RangeError when a value leaves the range in which sums are exact, or sums are not.
    """
    descent = Descent(training, params, workers, classes)
    model.check_products(descent.theta)
    for number in range(1, params.epochs + 1):
        batch_losses = descent.run_epoch(number)
        theta = descent.publish()
        yield Epoch(
            number,
            descent.batches,
            arrays.to_numpy(theta),
            batch_losses,
            score(theta, training, workers),
            score(theta, validation, workers) if len(validation.labels) else None,
        )


def initialize(features: int, seed: int, classes: int = CLASSES) -> np.ndarray:
    """Uniform theta in ±1/sqrt(features), as torch.nn.Linear: the rows of W, then b."""
    values = randomness.uniform(classes * (features + 1), seed, INITIALISATION)
    values = arithmetic.snap(values * (1 / math.sqrt(features)), arithmetic.WEIGHT_GRID)
    weight, bias = values[:-classes].reshape(classes, features), values[-classes:]
    return np.column_stack([weight, bias])


class Descent:
    """The state of mini-batch gradient descent between two steps."""

    def __init__(
        self,
        data: Dataset,
        params: Hyperparameters,
        workers: Workers = ALONE,
        classes: int = CLASSES,
    ) -> None:
        self.data = data
        self.params = params
        self.workers = workers
        self.xp = arrays.namespace(data.images)
        self.theta = self._here(initialize(data.images.shape[1], params.seed, classes))
        self.average = self.xp.asarray(self.theta, copy=True)
        self.magnitudes = abs(self.theta)
        self.optimizer = optimizers.create(params.optimizer, params.momentum)
        self.step = 0
        self.batches = math.ceil(len(data.labels) / params.batch_size)
        self.steps = params.epochs * self.batches

    @np.errstate(over="ignore", invalid="ignore")  # check_range judges, in one line
    def run_epoch(self, number: int) -> dict[int, float]:
        """Take a step on each batch of a fresh permutation; the loss of every 100th batch."""
        order = randomness.permutation(len(self.data.labels), self.params.seed, number)
        losses = self._here(np.zeros(self.batches // REPORT_EVERY))
        reported: dict[int, int] = {}
        chosen = batches(
            self.data, self._here(order), self.params.batch_size, self.workers, len(self.theta)
        )
        for batch, (x, y, size) in enumerate(chosen, start=1):
            z = model.logits(self.theta, x)
            if batch % REPORT_EVERY == 0:
                losses[len(reported)] = model.cross_entropy(z, y).sum()
                reported[batch] = size
            total = model.gradient_sum(model.residuals(model.softmax(z), y), x)
            self.descend(model.mean_gradient(self.workers.sum(total), size))
        return {
            batch: arithmetic.exact_sum(loss, arithmetic.LOSS_GRID) / size
            for (batch, size), loss in zip(reported.items(), self.workers.sum(losses), strict=True)
        }

    def descend(self, gradient: Array) -> None:
        """Take one step of the optimizer, back onto the weight grid."""
        if weight_decay := self.params.weight_decay:
            gradient += self.theta * weight_decay
        rate = optimizers.scheduled(
            self.params.learning_rate, self.params.schedule, self.step, self.steps
        )
        self.theta -= self.optimizer(gradient) * rate
        arithmetic.snap(self.theta, arithmetic.WEIGHT_GRID)
        if averaging := self.params.averaging:
            self.average = (self.average - self.theta) * averaging + self.theta
        self.magnitudes = self.xp.maximum(self.magnitudes, abs(self.theta))
        self.step += 1

    def publish(self) -> Array:
        """The theta to keep: the moving average if there is one, else the last.

        Raises RangeError if any step so far could have left the range in which sums are exact.
        The largest absolute values are carried along by the steps and looked at only here, so
        that no step waits for a GPU.
        """
        kept = self.average if self.params.averaging else self.theta
        kept = self.xp.asarray(kept, copy=True)
        published = arithmetic.snap(kept, arithmetic.WEIGHT_GRID)
        model.check_range(self.xp.maximum(self.magnitudes, abs(published)))
        return published

    def _here(self, array: np.ndarray) -> Array:
        """`array` in the library and on the device of the data."""
        return self.xp.asarray(array, device=self.data.images.device)
