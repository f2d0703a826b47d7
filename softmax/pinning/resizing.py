"""Images of another size: each new pixel is the mean of what it covers, in whole numbers.

Along each side, the old pixels and the new ones share one scale, on which an old one is as long as
there are new ones, and a new one as long as there are old ones. So overlaps are whole numbers, and
a pixel is the sum of gray levels times overlaps, divided by the sum of overlaps and rounded, halves
up. float64 holds all these sums exactly: the bytes are the same with every library.
"""

import functools

import numpy as np
from numpy.typing import NDArray


def resize(image: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """`image`, uint8 (any rows, any columns) or with 3 colours as a last axis, in this size."""
    if image.shape[:2] == (rows, columns):
        return image
    if image.ndim == 3:
        return np.stack([resize(image[..., k], rows, columns) for k in range(3)], axis=-1)
    down, across = _overlaps(image.shape[0], rows), _overlaps(image.shape[1], columns)
    sums = (down @ image.astype(np.float64) @ across.T).astype(np.int64)
    return ((sums + image.size // 2) // image.size).astype(np.uint8)


@functools.lru_cache(maxsize=16)
def _overlaps(old: int, new: int) -> NDArray[np.float64]:
    """How much of each of `old` pixels each of `new` ones covers, (new, old); rows sum to `old`."""
    starts, ends = np.arange(new)[:, None] * old, np.arange(1, new + 1)[:, None] * old
    first, last = np.arange(old) * new, np.arange(1, old + 1) * new
    covered = np.minimum(ends, last) - np.maximum(starts, first)
    return np.maximum(covered, 0).astype(np.float64)
