"""Ink becomes an image as NIST's scans became MNIST's: docs/predict.md specifies it.

softmax/page/scripts/normalization.js gives the same bytes of what is drawn on the page.
"""

import numpy as np
from numpy.typing import NDArray

BOX = 20  # pixels that the longer side of the ink is made to have
SIDE = 28
SHAPE = (SIDE, SIDE)

Whole = NDArray[np.int64]


def normalize(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image (28, 28) of ink (rows, columns), 0 to 255; all black without any.

    All numbers are whole, below 2^53 for up to 2^15 rows or columns: in any language the same.
    """
    image = np.zeros((SIDE + 2 * BOX, SIDE + 2 * BOX), np.uint8)  # with room for what is cut off
    inside = slice(BOX, BOX + SIDE)
    if ink.any():
        rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
        drawn = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.int64)
        size = max(drawn.shape)
        down, across = (_shares(cells, size) for cells in drawn.shape)
        sums = down @ drawn @ across.T
        y, x = (BOX + _first(sums.sum(axis=axis)) for axis in (1, 0))
        image[y : y + BOX, x : x + BOX] = _nearest(sums, size**2)
    return image[inside, inside]


def _shares(cells: int, size: int) -> Whole:
    """How many twentieths of each cell are in each pixel, `size` twentieths long: (20, cells)."""
    edges = size * np.arange(BOX + 1)[:, None] - BOX * np.arange(cells)
    return np.diff(edges.clip(0, BOX), axis=0)


def _first(mass: Whole) -> int:
    """The place of the box at which the centre of its mass, (20,), is nearest to the middle."""
    total, moment = mass.sum(), mass @ (2 * np.arange(BOX) + 1)
    return int(_nearest(SIDE * total - moment, 2 * total))


def _nearest(a: Whole, b: Whole | int) -> Whole:
    """The whole numbers nearest to a / b, of two the larger one."""
    return (2 * a + b) // (2 * b)
