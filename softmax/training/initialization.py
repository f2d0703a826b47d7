"""The weights before the first step."""

import math

import numpy as np

from softmax.core import arithmetic
from softmax.training import randomness

STREAM = 0  # of random words; epoch e shuffles with stream e


def uniform(features: int, seed: int, classes: int) -> np.ndarray:
    """Uniform theta in ±1/sqrt(features), as torch.nn.Linear: the rows of W, then b."""
    values = randomness.uniform(classes * (features + 1), seed, STREAM)
    values = arithmetic.snap(values * (1 / math.sqrt(features)), arithmetic.WEIGHT_GRID)
    weight, bias = values[:-classes].reshape(classes, features), values[-classes:]
    return np.column_stack([weight, bias])
