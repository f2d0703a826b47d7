"""The weights before the first step: their order, and how far they spread."""

import math

import numpy as np
from helpers import tiny

from softmax.core.arithmetic import WEIGHT_GRID
from softmax.training import randomness


def test_initialize_fills_the_rows_of_w_then_b() -> None:
    theta = randomness.initial_weights(features=6, seed=3, classes=tiny.CLASSES)
    values = randomness.uniform(70, seed=3, stream=0) / math.sqrt(6)
    values = np.round(values / WEIGHT_GRID) * WEIGHT_GRID

    assert theta[:, :-1].ravel().tolist() == values[:60].tolist()
    assert theta[:, -1].tolist() == values[60:].tolist()


def test_initialize_spreads_over_the_range_of_a_linear_layer() -> None:
    theta = randomness.initial_weights(features=784, seed=0, classes=tiny.CLASSES)

    assert -1 / 28 <= theta.min() < -0.99 / 28
    assert 0.99 / 28 < theta.max() <= 1 / 28
    assert abs(theta.mean()) < 0.03 / 28
