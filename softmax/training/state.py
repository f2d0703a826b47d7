"""What a step of gradient descent changes, of one model or of many that are stepped together."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from softmax.core import arithmetic, arrays, model
from softmax.core.arrays import Array
from softmax.training import optimizers


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


class Rates(NamedTuple):
    """The hyperparameters in which models that are stepped together may differ, one value each."""

    learning_rate: Array
    momentum: Array
    weight_decay: Array
    averaging: Array


class TrainState:
    """The weights of models and what their optimizers remember.

    theta, average, magnitudes and what is in `memory` are float64 (models, classes, features + 1).
    The models share optimizer and schedule.
    """

    def __init__(self, theta: Array, configs: Sequence[Hyperparameters], steps: int) -> None:
        self.xp = arrays.namespace(theta)
        self.theta = theta
        self.average = self.xp.asarray(theta, copy=True)
        self.magnitudes = abs(theta)
        self.memory: optimizers.Memory = (0.0, 0.0)
        self.optimizer, self.schedule = configs[0].optimizer, configs[0].schedule
        columns = ([[[getattr(one, key)]] for one in configs] for key in Rates._fields)
        self.rates = Rates(*(self.xp.asarray(np.array(x), device=theta.device) for x in columns))
        self.decays = any(one.weight_decay for one in configs)
        self.averages = any(one.averaging for one in configs)
        self.corrections = optimizers.corrections()
        self.step_number, self.steps = 0, steps

    def step(self, gradient: Array) -> None:
        """Take one step of the optimizer, back onto the weight grid."""
        if self.decays:
            gradient += self.theta * self.rates.weight_decay
        direction, self.memory = optimizers.OPTIMIZERS[self.optimizer](
            gradient, self.memory, self.rates.momentum, next(self.corrections), self.xp.sqrt
        )
        self.theta -= direction * self.learning_rate()
        arithmetic.snap(self.theta, arithmetic.WEIGHT_GRID)
        if self.averages:
            self.average = (self.average - self.theta) * self.rates.averaging + self.theta
        self.magnitudes = self.xp.maximum(self.magnitudes, abs(self.theta))
        self.step_number += 1

    def learning_rate(self) -> Array:
        """Return the scheduled learning rates of the next step."""
        return optimizers.scheduled(
            self.rates.learning_rate, self.schedule, self.step_number, self.steps
        )

    def averaged(self) -> Array:
        """Return the weights to keep: the moving averages, or without averaging the last ones."""
        kept = self.average if self.averages else self.theta
        return arithmetic.snap(self.xp.asarray(kept, copy=True), arithmetic.WEIGHT_GRID)

    def check(self, number: int, averaged: Array) -> None:
        """Raise RangeError if any step of a model so far could have left the range of exact sums.

        The largest absolute values are carried along by the steps and looked at only here, so
        that no step waits for a GPU. `averaged` has the weights that are kept of all models.
        """
        model.check_range(self.xp.maximum(self.magnitudes[number], abs(averaged[number])))
