"""Train many models with compiled loops, which compute the same as Trainer in less time."""

from collections.abc import Sequence
from itertools import islice

import numpy as np

from softmax.core import arithmetic
from softmax.core.arrays import FloatArray
from softmax.core.batches import Dataset
from softmax.sweep import kernel
from softmax.sweep.kernel import Epoch, Rows, Samples
from softmax.training import optimizers, randomness
from softmax.training.fitting import Trainer
from softmax.training.state import Hyperparameters, Rates

CHUNK = 8192  # images per call, many because each call may wait for the GIL


class CompiledTrainer(Trainer):
    """A Trainer for the CPU that keeps its state in `rows` and copies it to `state` each epoch.

    Averaging does not change the steps, so models that differ only in averaging share a theta.
    """

    def __init__(self, data: Dataset, configs: Sequence[Hyperparameters]) -> None:
        super().__init__(data, configs)
        self.samples = compress(data)
        state, steps = self.state, [config._replace(averaging=0.0) for config in configs]
        distinct = [*dict.fromkeys(steps)]
        self.position = np.array([distinct.index(one) for one in steps])  # of each model's theta
        first = [steps.index(one) for one in distinct]
        theta = state.theta[first]
        arrays = (theta, abs(theta), np.zeros_like(theta), np.zeros_like(theta), state.average)
        averaged = self.position if state.averages else self.position[:0]
        columns = np.add.outer(averaged * data.classes, np.arange(data.classes)).ravel()
        self.rows = Rows._make([*map(rows, arrays), columns])
        *rates, averaging = (x.ravel() for x in state.rates)
        values = [*(rate[first] for rate in rates), averaging]
        self.rates = Rates(*(np.repeat(x, data.classes) for x in values))
        self.step = kernel.stepping(
            optimizers.OPTIMIZERS[state.optimizer],
            plain=state.optimizer == "sgd" and not (state.decays or state.averages),
            shared=len(distinct) < len(configs),
        )

    def take_steps(self, number: int) -> tuple[FloatArray, dict[int, int]]:
        order = randomness.permutation(len(self.data.labels), self.seed, number)
        state, size, every = self.state, self.batch_size, self.report_every
        steps = range((number - 1) * self.batches, number * self.batches)
        factors = [optimizers.scheduled(1.0, state.schedule, step, state.steps) for step in steps]
        corrections = [*islice(state.corrections, self.batches)]
        epoch = Epoch(order, size, every, np.array(factors), np.array(corrections))
        results = self.step(self.rows, self.rates, self.samples, epoch)
        reported = range(every, self.batches + 1, every)
        sizes = {batch: len(order[(batch - 1) * size : batch * size]) for batch in reported}
        losses = [
            cross_entropy(totals[:n], margins[:n]).sum(axis=0)
            for totals, margins, n in zip(*results, sizes.values(), strict=True)
        ]
        shape = state.theta.shape
        theta, magnitudes = (x.T.reshape(-1, *shape[1:]) for x in self.rows[:2])
        state.theta, state.magnitudes = theta[self.position], magnitudes[self.position]
        state.average = self.rows.average.T.reshape(shape).copy()
        return np.array(losses).reshape(-1, len(theta))[:, self.position], sizes

    def sums(self, thetas: FloatArray, data: Dataset) -> FloatArray:
        return sums(thetas, self.samples if data is self.data else compress(data))


def compress(data: Dataset) -> Samples:
    """Return `data` with only the nonzero pixels of the images."""
    return Samples(kernel.compress(data.images), data.labels, data.classes)


def sums(thetas: FloatArray, samples: Samples) -> FloatArray:
    """Return scoring.sums of stacked models: float64 (2, models)."""
    theta, models = rows(thetas), len(thetas)
    result = np.zeros((2, models))
    for first in range(0, count := len(samples.labels), CHUNK):
        chunk = np.arange(first, min(first + CHUNK, count))
        _, totals, margins, correct = kernel.forward(theta, samples, chunk)
        result += cross_entropy(totals, margins).sum(axis=0), correct.sum(axis=0)
    return result


def rows(thetas: FloatArray) -> FloatArray:
    """Return a copy with a row for each pixel, (features + 1, m c), as in kernel.py."""
    return np.ascontiguousarray(thetas.reshape(-1, thetas.shape[-1]).T)


def cross_entropy(totals: FloatArray, margins: FloatArray) -> FloatArray:
    """Return -log a_y on the loss grid, from sums of exponentials and from max z - z_y."""
    return arithmetic.snap(arithmetic.log(totals) + margins, arithmetic.LOSS_GRID)
