"""Mini-batch gradient descent: epochs of shuffled batches, and a score after each."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from softmax.core import arithmetic, arrays, model
from softmax.core.arrays import Array
from softmax.core.data import Dataset, batches
from softmax.core.workers import ALONE, Workers
from softmax.errors import RangeError
from softmax.training import initialization, optimizers, randomness, scoring
from softmax.training.scoring import Score

REPORT_EVERY = 100  # batches, as in the lecture


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
) -> Iterator[Epoch]:
    """Train where the arrays of the data live, yielding after each epoch, the same to each worker.

    Raises RangeError when a value leaves the range in which sums are exact, or sums are not.
    """
    for (epoch,) in fit_together(Descent(training, [params], workers), validation):
        if isinstance(epoch, RangeError):
            raise epoch
        yield epoch


def fit_together(descent: "Descent", validation: Dataset) -> Iterator[list[Epoch | RangeError]]:
    """Train all models of `descent`, yielding all after each epoch.

    Each is the one that `fit` would give, or the RangeError that it would raise. Raises RangeError
    if sums are not exact here.
    """
    model.check_products(descent.thetas[0])
    for number in range(1, descent.epochs + 1):
        yield descent.run_epoch(number, validation)


class Learner:
    """A model that learns: its theta, in place, and what its optimizer remembers."""

    def __init__(self, theta: Array, params: Hyperparameters, steps: int) -> None:
        self.theta = theta
        self.params = params
        self.xp = arrays.namespace(theta)
        self.average = self.xp.asarray(theta, copy=True)
        self.magnitudes = abs(theta)
        self.optimizer = optimizers.OPTIMIZERS[params.optimizer]
        self.memory: optimizers.Memory = (0.0, 0.0)
        self.corrections = optimizers.corrections()
        self.step, self.steps = 0, steps

    def descend(self, gradient: Array) -> None:
        """Take one step of the optimizer, back onto the weight grid."""
        if weight_decay := self.params.weight_decay:
            gradient += self.theta * weight_decay
        rate = optimizers.scheduled(
            self.params.learning_rate, self.params.schedule, self.step, self.steps
        )
        corrections, sqrt = next(self.corrections), self.xp.sqrt
        direction, self.memory = self.optimizer(
            gradient, self.memory, self.params.momentum, corrections, sqrt
        )
        self.theta -= direction * rate
        arithmetic.snap(self.theta, arithmetic.WEIGHT_GRID)
        if averaging := self.params.averaging:
            self.average = (self.average - self.theta) * averaging + self.theta
        self.magnitudes = self.xp.maximum(self.magnitudes, abs(self.theta))
        self.step += 1

    def publish(self) -> Array:
        """The theta to keep: the moving average if there is one, else the last."""
        kept = self.average if self.params.averaging else self.theta
        return arithmetic.snap(self.xp.asarray(kept, copy=True), arithmetic.WEIGHT_GRID)

    def check(self, published: Array) -> None:
        """Raise RangeError if this or any step so far could have left the range of exact sums.

        The largest absolute values are carried along by the steps and looked at only here, so
        that no step waits for a GPU.
        """
        model.check_range(self.xp.maximum(self.magnitudes, abs(published)))


class Descent:
    """Mini-batch gradient descent on models that share the batches.

    Their recipes have seed, epochs and batch size in common.
    """

    def __init__(
        self,
        data: Dataset,
        recipes: Sequence[Hyperparameters],
        workers: Workers = ALONE,
    ) -> None:
        self.data = data
        self.seed, self.epochs, self.batch_size, *_ = recipes[0]
        self.workers = workers
        self.batches = math.ceil(len(data.labels) / self.batch_size)
        first = initialization.uniform(data.images.shape[1], self.seed, data.classes)
        self.thetas = self._here(np.stack([first] * len(recipes)))
        steps = self.epochs * self.batches
        self.learners = [
            Learner(theta, params, steps)
            for theta, params in zip(self.thetas, recipes, strict=True)
        ]

    @np.errstate(over="ignore", invalid="ignore")  # each model is checked, in one line
    def run_epoch(self, number: int, validation: Dataset) -> list[Epoch | RangeError]:
        """Take all steps of an epoch, and score what each model has become."""
        losses, sizes = self.take_steps(number)
        thetas = arrays.namespace(self.thetas).stack([one.publish() for one in self.learners])
        held_out = len(validation.labels)
        trained = self.sums(thetas, self.data)
        validated = self.sums(thetas, validation) if held_out else None

        def epoch(k: int) -> Epoch | RangeError:
            try:
                self.learners[k].check(thetas[k])
                return Epoch(
                    number,
                    self.batches,
                    arrays.to_numpy(thetas[k]),
                    {
                        batch: arithmetic.exact_sum(loss, arithmetic.LOSS_GRID) / size
                        for (batch, size), loss in zip(sizes.items(), losses[:, k], strict=True)
                    },
                    scoring.judge(trained[:, k], len(self.data.labels)),
                    None if validated is None else scoring.judge(validated[:, k], held_out),
                )
            except RangeError as error:
                return error

        return [epoch(k) for k in range(len(self.learners))]

    def take_steps(self, number: int) -> tuple[Array, dict[int, int]]:
        """Take a step on each batch of a fresh permutation.

        The sums of the losses of every 100th batch, float64 (reported, models), and its size.
        """
        order = randomness.permutation(len(self.data.labels), self.seed, number)
        losses = self._here(np.zeros((self.batches // REPORT_EVERY, len(self.learners))))
        reported: dict[int, int] = {}
        chosen = batches(self.data, self._here(order), self.batch_size, self.workers)
        for batch, (x, y, size) in enumerate(chosen, start=1):
            z = model.logits(self.thetas, x)
            if batch % REPORT_EVERY == 0:
                losses[len(reported)] = model.cross_entropy(z, y).sum(axis=-1)
                reported[batch] = size
            totals = self.workers.sum(model.gradient_sum(model.residuals(model.softmax(z), y), x))
            for learner, total in zip(self.learners, totals, strict=True):
                learner.descend(model.mean_gradient(total, size))
        return self.workers.sum(losses), reported

    def sums(self, thetas: Array, data: Dataset) -> Array:
        """As scoring.sums."""
        return scoring.sums(thetas, data, self.workers)

    def _here(self, array: np.ndarray) -> Array:
        """`array` in the library and on the device of the data."""
        return arrays.namespace(self.data.images).asarray(array, device=self.data.images.device)
