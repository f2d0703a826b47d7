"""Compare optimizers with torch.optim in float64, and schedules with math.cos."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from helpers import tiny
from hypothesis import given
from hypothesis import strategies as st

from softmax.training import optimizers, randomness
from softmax.training.state import TrainState

STEPS = 30
MOMENTUM = 0.8
TORCH_OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "sgd": torch.optim.SGD,
    "momentum": partial(torch.optim.SGD, momentum=MOMENTUM),
    "nesterov": partial(torch.optim.SGD, momentum=MOMENTUM, nesterov=True),
    "adam": torch.optim.Adam,
}


@pytest.mark.parametrize("weight_decay", [0.0, 0.5])
@pytest.mark.parametrize("name", TORCH_OPTIMIZERS)
def test_optimizer_steps_match_torch(name: str, weight_decay: float) -> None:
    """Minimize a quadratic function. Allow each step the rounding error of the weight grid."""
    lowest = np.linspace(-3, 3, 70).reshape(10, 7)
    params = tiny.params(optimizer=name, momentum=MOMENTUM, weight_decay=weight_decay)
    start = randomness.initial_weights(6, params.seed, classes=tiny.CLASSES)
    state = TrainState(start[None], [params], STEPS)
    theta = torch.tensor(start)
    reference = TORCH_OPTIMIZERS[name]([theta], lr=params.learning_rate, weight_decay=weight_decay)

    for _ in range(STEPS):
        state.step(state.theta - lowest)
        theta.grad = theta - torch.tensor(lowest)
        reference.step()

    np.testing.assert_allclose(state.theta[0], theta, rtol=0, atol=1e-7)


@given(st.integers(1, 10**6), st.floats(0, 1, exclude_max=True))
def test_cosine_schedule_follows_its_formula(steps: int, fraction: float) -> None:
    step = int(steps * fraction)
    expected = (1 + math.cos(math.pi * step / steps)) / 2

    found = optimizers.scheduled(1.0, "cosine", step, steps)
    assert found == pytest.approx(expected, rel=0, abs=1e-15)
