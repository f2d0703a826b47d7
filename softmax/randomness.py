"""Random numbers from NumPy's Philox bit stream, which NumPy guarantees never to change."""

import math

import numpy as np
from numpy.typing import NDArray


def uniform(count: int, seed: int, stream: int) -> NDArray[np.float64]:
    """`count` float64 values in [-1, 1), multiples of 2^-52: the top 53 bits of each raw word."""
    words = _words(count, seed, stream)
    return (words >> np.uint64(11)).astype(np.float64) * math.ldexp(1, -52) - 1.0


def permutation(count: int, seed: int, stream: int) -> NDArray[np.int64]:
    """A permutation of 0 ... count-1, int64: the stable order of `count` raw words."""
    words = _words(count, seed, stream)
    return np.argsort(words, kind="stable")


def _words(count: int, seed: int, stream: int) -> NDArray[np.uint64]:
    key = np.array([seed, stream], np.uint64)  # of a list with large numbers NumPy makes floats
    return np.random.Philox(key=key).random_raw(count)
