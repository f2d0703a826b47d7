"""Draw random numbers and initial weights from NumPy's Philox generator, whose words are fixed."""

import math

import numpy as np
from numpy.typing import NDArray

from softmax.core import arithmetic

STREAM = 0  # for the initial weights; epoch e shuffles with stream e


def uniform(count: int, seed: int, stream: int) -> NDArray[np.float64]:
    """Return `count` float64 multiples of 2^-52 in [-1, 1), from the top 53 bits of raw words."""
    words = _words(count, seed, stream)
    return (words >> np.uint64(11)).astype(np.float64) * math.ldexp(1, -52) - 1.0


def permutation(count: int, seed: int, stream: int) -> NDArray[np.int64]:
    """Return the permutation of 0 ... count-1, int64, that sorts `count` raw words.

    The index of each word replaces its last bits, so no two words are equal. The words are sorted
    in place, which takes 16 bytes for each number, and their last bits are the permutation.
    """
    keys = _words(count, seed, stream)
    bits = np.uint64(max(count - 1, 0).bit_length())
    keys >>= bits
    keys <<= bits
    keys |= np.arange(count, dtype=np.uint64)
    keys.sort()
    keys &= (np.uint64(1) << bits) - np.uint64(1)
    return keys.view(np.int64)


def _words(count: int, seed: int, stream: int) -> NDArray[np.uint64]:
    key = np.array([seed, stream], np.uint64)  # NumPy turns lists with large numbers into floats
    return np.random.Philox(key=key).random_raw(count)


def initial_weights(features: int, seed: int, classes: int) -> np.ndarray:
    """Return theta, (classes, features + 1), uniform in ±1/sqrt(features) as in torch.nn.Linear."""
    values = uniform(classes * (features + 1), seed, STREAM)
    values = arithmetic.snap(values * (1 / math.sqrt(features)), arithmetic.WEIGHT_GRID)
    weight, bias = values[:-classes].reshape(classes, features), values[-classes:]
    return np.column_stack([weight, bias])
