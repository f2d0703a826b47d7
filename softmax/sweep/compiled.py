"""Gradient descent on many models by compiled loops: what Descent does, in less time."""

from collections.abc import Sequence

import numpy as np

from softmax.core import arithmetic
from softmax.core.arrays import FloatArray
from softmax.core.data import Dataset
from softmax.sweep import kernel
from softmax.sweep.kernel import Rates, Samples, State
from softmax.training import fitting, optimizers, randomness
from softmax.training.fitting import Descent, Hyperparameters

CHUNK = 1024  # images scored at a time: many, as NumPy's share of each holds Python's lock


class CompiledDescent(Descent):
    """As Descent, on the CPU, of recipes that also share optimizer and schedule."""

    def __init__(self, data: Dataset, recipes: Sequence[Hyperparameters]) -> None:
        super().__init__(data, recipes)
        self.samples = compress(data)
        theta = rows(self.thetas)
        self.state = State(
            theta, theta.copy(), abs(theta), np.zeros_like(theta), np.zeros_like(theta)
        )
        shape = self.thetas.shape
        self.thetas, averages, magnitudes = (x.T.reshape(shape) for x in self.state[:3])
        for k, learner in enumerate(self.learners):  # which look at what the loops change
            learner.theta, learner.average = self.thetas[k], averages[k]
            learner.magnitudes = magnitudes[k]
        self.rates = Rates(
            *(
                np.repeat([getattr(one, name) for one in recipes], data.classes)
                for name in Rates._fields
            )
        )
        self.schedule, optimizer = recipes[0].schedule, recipes[0].optimizer
        decays = self.rates.weight_decay.any() or self.rates.averaging.any()
        self.descend = kernel.descending(
            optimizers.OPTIMIZERS[optimizer], plain=optimizer == "sgd" and not decays
        )
        self.corrections = optimizers.corrections()
        self.step = 0

    def take_steps(self, number: int) -> tuple[FloatArray, dict[int, int]]:
        order = randomness.permutation(len(self.data.labels), self.seed, number)
        losses, reported = [], {}
        for batch in range(1, self.batches + 1):
            chosen = order[(batch - 1) * self.batch_size : batch * self.batch_size]
            learning_rate = optimizers.scheduled(
                self.rates.learning_rate, self.schedule, self.step, self.epochs * self.batches
            )
            rates = self.rates._replace(learning_rate=learning_rate)
            totals, margins = self.descend(
                self.state, rates, next(self.corrections), self.samples, chosen
            )
            if batch % fitting.REPORT_EVERY == 0:
                losses.append(cross_entropy(totals, margins).sum(axis=0))
                reported[batch] = len(chosen)
            self.step += 1
        return np.array(losses).reshape(-1, len(self.learners)), reported

    def sums(self, thetas: FloatArray, data: Dataset) -> FloatArray:
        return sums(thetas, self.samples if data is self.data else compress(data))


def compress(data: Dataset) -> Samples:
    """The images of `data` without zeros, with labels and classes."""
    return Samples(kernel.compress(data.images), data.labels, data.classes)


def sums(thetas: FloatArray, samples: Samples) -> FloatArray:
    """As scoring.sums, of models that are stacked: float64 (2, models)."""
    theta, models = rows(thetas), len(thetas)
    found = np.zeros((2, models))
    for first in range(0, count := len(samples.labels), CHUNK):
        chunk = np.arange(first, min(first + CHUNK, count))
        _, totals, margins, right = kernel.forward(theta, samples, chunk)
        found += cross_entropy(totals, margins).sum(axis=0), right.sum(axis=0)
    return found


def rows(thetas: FloatArray) -> FloatArray:
    """A row for each pixel, in it all classes of all models: a copy, (features + 1, m * c)."""
    return np.ascontiguousarray(thetas.reshape(-1, thetas.shape[-1]).T)


def cross_entropy(totals: FloatArray, margins: FloatArray) -> FloatArray:
    """-log a_y on the loss grid, of the sum of the exponentials and max z - z_y."""
    return arithmetic.snap(arithmetic.log(totals) + margins, arithmetic.LOSS_GRID)
