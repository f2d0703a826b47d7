"""Fit models by mini-batch gradient descent, and score them after each epoch."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from softmax.core import arithmetic, arrays, model
from softmax.core.arrays import Array, Table
from softmax.core.batches import Dataset, batches
from softmax.core.workers import ALONE, Workers
from softmax.errors import RangeError
from softmax.training import randomness, scoring
from softmax.training.scoring import Score
from softmax.training.state import Hyperparameters, TrainState

SNAPSHOTS = 30  # maximum number of epochs whose weights are kept, to show how they develop


class Epoch(NamedTuple):
    """The results of one pass over the training set. theta is float64 (classes, features + 1)."""

    number: int
    batches: int
    theta: np.ndarray
    batch_losses: dict[int, float]  # mean losses of the reported batches, by number from 1
    training: Score
    validation: Score | None


def fit(
    training: Dataset, validation: Dataset, params: Hyperparameters, workers: Workers = ALONE
) -> Iterator[Epoch]:
    """Train on the device of the data. Yield an Epoch after each epoch, the same in all workers.

    Raise RangeError if a value leaves the range in which sums are exact, and DeviceError if matrix
    products on this device are not exact.
    """
    for (epoch,) in fit_together(Trainer(training, [params], workers), validation):
        if isinstance(epoch, RangeError):
            raise epoch
        yield epoch


def fit_together(trainer: "Trainer", validation: Dataset) -> Iterator[list[Epoch | RangeError]]:
    """Train all models of `trainer`, and yield a list of their results after each epoch.

    Each result is the Epoch that `fit` would yield, or the RangeError that it would raise. Raise
    DeviceError if matrix products on this device are not exact.
    """
    model.check_products(trainer.state.theta[0])
    for number in range(1, trainer.epochs + 1):
        yield trainer.run_epoch(number, validation)


class Trainer:
    """Mini-batch gradient descent on models that share the batches.

    The hyperparameters of the models differ only in the fields of state.Rates.
    """

    def __init__(
        self, data: Dataset, configs: Sequence[Hyperparameters], workers: Workers = ALONE
    ) -> None:
        self.data, self.workers = data, workers
        self.seed, self.epochs, self.batch_size, *_ = configs[0]
        self.batches = math.ceil(len(data.labels) / self.batch_size)
        self.report_every = report_every(self.batches)
        first = randomness.initial_weights(data.images.shape[1], self.seed, data.classes)
        theta = self._here(np.stack([first] * len(configs)))
        self.state = TrainState(theta, configs, self.epochs * self.batches)

    @np.errstate(over="ignore", invalid="ignore")  # state.check detects overflow of each model
    def run_epoch(self, number: int, validation: Dataset) -> list[Epoch | RangeError]:
        """Take all steps of epoch `number`, and score each model."""
        losses, sizes = self.take_steps(number)
        thetas, validation_size = self.state.averaged(), len(validation.labels)
        trained = self.sums(thetas, self.data)
        validated = self.sums(thetas, validation) if validation_size else None

        def epoch(k: int) -> Epoch | RangeError:
            try:
                self.state.check(k, thetas)
                return Epoch(
                    number,
                    self.batches,
                    arrays.to_numpy(thetas[k]),
                    {
                        batch: arithmetic.exact_sum(loss, arithmetic.LOSS_GRID) / size
                        for (batch, size), loss in zip(sizes.items(), losses[:, k], strict=True)
                    },
                    scoring.from_sums(trained[:, k], len(self.data.labels)),
                    None
                    if validated is None
                    else scoring.from_sums(validated[:, k], validation_size),
                )
            except RangeError as error:
                return error

        return [epoch(k) for k in range(len(thetas))]

    def take_steps(self, number: int) -> tuple[Array, dict[int, int]]:
        """Take a step on each batch of epoch `number`.

        Return the sums of the losses of the reported batches, float64 (reported, models), and the
        sizes of these batches by number.
        """
        order = randomness.permutation(len(self.data.labels), self.seed, number)
        models = len(self.state.theta)
        losses = self._here(np.zeros((self.batches // self.report_every, models)))
        reported: dict[int, int] = {}
        chosen = batches(self.data, self._here(order), self.batch_size, self.workers)
        for batch, (x, y, size) in enumerate(chosen, start=1):
            z = model.logits(self.state.theta, x)
            if batch % self.report_every == 0:
                losses[len(reported)] = model.cross_entropy(z, y).sum(axis=-1)
                reported[batch] = size
            total = self.workers.sum(model.gradient_sum(model.residuals(model.softmax(z), y), x))
            self.state.step(model.mean_gradient(total, size))
        return self.workers.sum(losses), reported

    def sums(self, thetas: Array, data: Dataset) -> Array:
        """Return scoring.sums of the stacked `thetas`."""
        return scoring.sums(thetas, data, self.workers)

    def _here(self, array: np.ndarray) -> Array:
        """Return `array` in the library and on the device of the data."""
        return arrays.namespace(self.data.images).asarray(array, device=self.data.images.device)


def report_every(batches: int) -> int:
    """Return the interval n between reported losses, for an epoch of `batches` batches.

    n is 100 as in the lecture, whose epochs have 938 batches. For fewer than 900 batches, n is a
    tenth of their number, but at least 1.
    """
    return 100 if batches >= 900 else max(batches // 10, 1)


def losses(epochs: Sequence[Epoch]) -> Table:
    """Return a table of the reported batches: step, epoch, batch and mean loss (nats).

    The step is the number of batches so far, over all epochs.
    """
    rows = [
        ((epoch.number - 1) * epoch.batches + batch, epoch.number, batch, loss)
        for epoch in epochs
        for batch, loss in epoch.batch_losses.items()
    ]
    return arrays.table(("step", "epoch", "batch", "loss"), rows)


def scores(epochs: Sequence[Epoch]) -> Table:
    """Return a table of the epochs: step, epoch, and the values of `metrics`."""
    rows = [(e.number * e.batches, e.number, *metrics(e).values()) for e in epochs]
    return arrays.table(("step", "epoch", *metrics(epochs[0])), rows)


def snapshots(epochs: int) -> list[int]:
    """Return at most SNAPSHOTS evenly spaced numbers of epochs, including the last epoch."""
    count = min(epochs, SNAPSHOTS)
    return [k * epochs // count for k in range(1, count + 1)]


def metrics(epoch: Epoch) -> dict[str, float]:
    """Return loss and accuracy on the training set and, if there is one, the validation set."""
    values: dict[str, float] = {}
    for name, score in {"train": epoch.training, "validation": epoch.validation}.items():
        if score is not None:
            values |= {f"{name}_loss": score.loss, f"{name}_accuracy": score.accuracy}
    return values
