"""Train many models by compiled loops: the same as Trainer, in less time."""

from collections.abc import Sequence

import numpy as np

from softmax.core import arithmetic
from softmax.core.arrays import FloatArray
from softmax.core.batches import Dataset
from softmax.sweep import kernel
from softmax.sweep.kernel import Rows, Samples
from softmax.training import optimizers, randomness
from softmax.training.fitting import Trainer
from softmax.training.state import Hyperparameters, Rates

CHUNK = 1024  # images scored at a time: many, because NumPy holds Python's lock between them


class CompiledTrainer(Trainer):
    """A Trainer on the CPU: Rows holds the state during an epoch, TrainState between epochs."""

    def __init__(self, data: Dataset, configs: Sequence[Hyperparameters]) -> None:
        super().__init__(data, configs)
        self.samples = compress(data)
        state = self.state
        memory = (np.zeros_like(state.theta), np.zeros_like(state.theta))
        arrays = (state.theta, state.average, state.magnitudes, *memory)
        self.rows = Rows(*map(rows, arrays))
        self.rates = Rates(*(np.repeat(x.ravel(), data.classes) for x in state.rates))
        self.take_step = kernel.stepping(
            optimizers.OPTIMIZERS[state.optimizer],
            plain=state.optimizer == "sgd" and not (state.decays or state.averages),
        )

    def take_steps(self, number: int) -> tuple[FloatArray, dict[int, int]]:
        order = randomness.permutation(len(self.data.labels), self.seed, number)
        losses, reported, state = [], {}, self.state
        for batch in range(1, self.batches + 1):
            chosen = order[(batch - 1) * self.batch_size : batch * self.batch_size]
            rates = self.rates._replace(
                learning_rate=np.repeat(state.learning_rate().ravel(), self.data.classes)
            )
            totals, margins = self.take_step(
                self.rows, rates, next(state.corrections), self.samples, chosen
            )
            if batch % self.report_every == 0:
                losses.append(cross_entropy(totals, margins).sum(axis=0))
                reported[batch] = len(chosen)
            state.step_number += 1
        shape = state.theta.shape
        state.theta, state.average, state.magnitudes = (
            x.T.reshape(shape).copy() for x in self.rows[:3]
        )
        return np.array(losses).reshape(-1, len(state.theta)), reported

    def sums(self, thetas: FloatArray, data: Dataset) -> FloatArray:
        return sums(thetas, self.samples if data is self.data else compress(data))


def compress(data: Dataset) -> Samples:
    """Return the images of `data` without zeros, with labels and classes."""
    return Samples(kernel.compress(data.images), data.labels, data.classes)


def sums(thetas: FloatArray, samples: Samples) -> FloatArray:
    """Return scoring.sums of stacked models: float64 (2, models)."""
    theta, models = rows(thetas), len(thetas)
    found = np.zeros((2, models))
    for first in range(0, count := len(samples.labels), CHUNK):
        chunk = np.arange(first, min(first + CHUNK, count))
        _, totals, margins, right = kernel.forward(theta, samples, chunk)
        found += cross_entropy(totals, margins).sum(axis=0), right.sum(axis=0)
    return found


def rows(thetas: FloatArray) -> FloatArray:
    """Return a copy with a row for each pixel, all classes of all models: (features + 1, m c)."""
    return np.ascontiguousarray(thetas.reshape(-1, thetas.shape[-1]).T)


def cross_entropy(totals: FloatArray, margins: FloatArray) -> FloatArray:
    """Return -log a_y on the loss grid, from the sum of the exponentials and max z - z_y."""
    return arithmetic.snap(arithmetic.log(totals) + margins, arithmetic.LOSS_GRID)
