"""IDX, the format of MNIST's files: http://yann.lecun.com/exdb/mnist, "The IDX file format"."""

import numpy as np
from numpy.typing import NDArray

from softmax.pipeline.catalog import Pinned


def header(array: NDArray[np.integer]) -> bytes:
    """What stands before the bytes of `array`, of uint8 or >i4: its type and shape."""
    kind = 0x0800 if array.dtype == np.uint8 else 0x0C00
    return np.array([kind + array.ndim, *array.shape], ">u4").tobytes()


def limits(pinned: Pinned) -> tuple[int, ...]:
    """How many bytes each of FILES has, or at most has: a label may take four."""
    start = 8 + 4 * len(pinned.shape)
    pairs = [(start + count * pinned.size[1], 8 + 4 * count) for count in pinned.images]
    return pairs[0] + pairs[1]
