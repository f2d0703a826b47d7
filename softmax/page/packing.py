"""Many numbers as few characters: deflated, and in base64.

Which bytes a compressor emits is its own choice, and Python's zlib is the machine's: zlib in one
place, zlib-ng in another. libdeflate lies in its wheel, makes the same choices on all processors,
and others only in another version, which pyproject.toml would have to name (docs/arithmetic.md).
"""

import base64

import deflate
import numpy as np
from numpy.typing import NDArray

LEVEL = 9  # of 12, which would make MNIST 4% smaller in ten times the time


def base64_of(content: bytes | bytearray) -> str:
    """`content` as ASCII."""
    return base64.b64encode(content).decode()


def packed(array: NDArray[np.uint8]) -> str:
    """Bytes of any shape as the page's modules read them: a zlib stream in base64."""
    return base64_of(deflate.zlib_compress(array.tobytes(), LEVEL))


def doubles(array: NDArray[np.float64]) -> str:
    """float64 of any shape, likewise: their first bytes, little-endian, then their second ones...

    Those of weights are 0 below the grid and few above it, so that half of them vanish.
    """
    octets = np.frombuffer(array.astype("<f8").tobytes(), np.uint8)
    return packed(octets.reshape(-1, 8).T)
