"""Keep the state of training, for one model or for many models that are trained together."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from softmax.core import arithmetic, arrays, model
from softmax.core.arrays import Array
from softmax.training import optimizers


class Hyperparameters(NamedTuple):
    """Everything that training depends on except the data, named as in params.yaml."""

    seed: int
    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    schedule: str
    momentum: float
    weight_decay: float
    averaging: float


class Rates(NamedTuple):
    """The hyperparameters that may differ between models trained together, as arrays."""

    learning_rate: Array
    momentum: Array
    weight_decay: Array
    averaging: Array


class TrainState:
    """The weights of models and the memory of their optimizer.

    theta, average, magnitudes and the arrays in `memory` are float64 (models, classes,
    features + 1). `magnitudes` are the maximum absolute values of theta in all steps.
    """

    def __init__(self, theta: Array, configs: Sequence[Hyperparameters], steps: int) -> None:
        self.xp = arrays.namespace(theta)
        self.theta = theta
        self.average = self.xp.asarray(theta, copy=True)
        self.magnitudes = abs(theta)
        self.memory: optimizers.Memory = (0.0, 0.0)
        self.optimizer, self.schedule = configs[0].optimizer, configs[0].schedule
        columns = ([[[getattr(config, key)]] for config in configs] for key in Rates._fields)
        self.rates = Rates(*(self.xp.asarray(np.array(x), device=theta.device) for x in columns))
        self.decays = any(config.weight_decay for config in configs)
        self.averages = any(config.averaging for config in configs)
        self.corrections = optimizers.corrections()
        self.step_number, self.steps = 0, steps

    def step(self, gradient: Array) -> None:
        """Take one step of the optimizer, and round the weights to their grid."""
        if self.decays:
            gradient += self.theta * self.rates.weight_decay
        direction, self.memory = optimizers.OPTIMIZERS[self.optimizer](
            gradient, self.memory, self.rates.momentum, next(self.corrections), self.xp.sqrt
        )
        learning_rate = optimizers.scheduled(
            self.rates.learning_rate, self.schedule, self.step_number, self.steps
        )
        self.theta -= direction * learning_rate
        arithmetic.snap(self.theta, arithmetic.WEIGHT_GRID)
        if self.averages:
            self.average = (self.average - self.theta) * self.rates.averaging + self.theta
        self.magnitudes = self.xp.maximum(self.magnitudes, abs(self.theta))
        self.step_number += 1

    def averaged(self) -> Array:
        """Return the moving averages of the weights, or the weights if no model is averaged."""
        kept = self.average if self.averages else self.theta
        return arithmetic.snap(self.xp.asarray(kept, copy=True), arithmetic.WEIGHT_GRID)

    def check(self, number: int, averaged: Array) -> None:
        """Raise RangeError if any step of model `number` could have left the range of exact sums.

        Steps only update `magnitudes`, and this check reads them, so that steps do not wait for a
        GPU. `averaged` contains the averaged weights of all models.
        """
        model.check_range(self.xp.maximum(self.magnitudes[number], abs(averaged[number])))
