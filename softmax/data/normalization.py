"""Turn strokes into an image as NIST's scans became MNIST's: docs/predict.md specifies it.

softmax/report/scripts/normalization.js gives the same bytes of what is drawn in the report.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from softmax.data.pixels import overlaps
from softmax.errors import DataError

BOX = 20  # pixels that the longer side of the ink is made to have
SIDE = 28
SHAPE = (SIDE, SIDE)
NOISE = 32  # levels: what differs less from its ground is ground
CONTRAST = 48  # levels by which ink differs from it in the mean, at least
SPECK = 20  # a part of the ink that is so many times smaller than the largest one is none

Levels = NDArray[np.uint8]
Whole = NDArray[np.int64]


def normalize(strokes: Levels) -> Levels:
    """The image (28, 28) of ink (rows, columns), 0 to 255; all black without any.

    All numbers are whole, below 2^53 for up to 2^15 rows or columns: in any language the same.
    """
    image = np.zeros((SIDE + 2 * BOX, SIDE + 2 * BOX), np.uint8)  # with room for what is cut off
    inside = slice(BOX, BOX + SIDE)
    if strokes.any():
        rows, columns = (np.flatnonzero(strokes.any(axis=axis)) for axis in (1, 0))
        drawn = strokes[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        size = max(drawn.shape)
        down, across = (overlaps(size, BOX)[:, :cells] for cells in drawn.shape)
        sums = (down @ drawn @ across.T).astype(np.int64)
        y, x = (BOX + _first(sums.sum(axis=axis)) for axis in (1, 0))
        image[y : y + BOX, x : x + BOX] = _nearest(sums, size**2)
    return image[inside, inside]


def _first(mass: Whole) -> int:
    """The place of the box at which the centre of its mass, (20,), is nearest to the middle."""
    total, moment = mass.sum(), mass @ (2 * np.arange(BOX) + 1)
    return int(_nearest(SIDE * total - moment, 2 * total))


def _nearest(a: Whole, b: Whole | int) -> Whole:
    """The whole numbers nearest to a / b, of two the larger one."""
    return (2 * a + b) // (2 * b)


def find(gray: Levels) -> tuple[Levels, bool]:
    """255 where a photo (rows, columns) has ink, 0 elsewhere; and whether the ink is dark.

    Raises DataError where nothing stands out.
    """
    above = gray - _ground(gray)
    dark = int((above**3).sum()) < 0
    depth = (-above if dark else above).clip(0)
    depth[depth < NOISE] = 0
    inked = depth > otsu(depth)
    if not inked.any() or depth[inked].mean() < CONTRAST:
        raise DataError(
            "no strokes found. Use an image of one digit that is clearly darker or lighter than a "
            "plain background."
        )
    parts, _ = ndimage.label(inked, np.ones((3, 3)))
    sizes = np.bincount(parts[inked])
    return 255 * (inked & (sizes * SPECK >= sizes.max())[parts]).astype(np.uint8), dark


def _ground(gray: Levels) -> Whole:
    """The quadratic surface that fits the pixels of the border best, in whole levels, 0 to 255."""
    y, x = np.ix_(*(np.linspace(-1, 1, side) for side in gray.shape))
    terms = np.broadcast_arrays(1, x, y, x * x, x * y, y * y)
    border = np.ones(gray.shape, bool)
    border[1:-1, 1:-1] = False
    fit = np.linalg.lstsq(np.stack([term[border] for term in terms], 1), gray[border] * 1.0)[0]
    surface = sum(c * term for c, term in zip(fit, terms, strict=True))
    return np.rint(surface).clip(0, 255).astype(np.int64)


def otsu(levels: Whole) -> int:
    """The level, 0 to 255, up to which pixels are of the lower of two classes.

    Of all pairs of classes theirs is the largest variance between them, the first among equals.
    Source: N. Otsu, "A threshold selection method from gray-level histograms", 1979.
    """
    counts = np.bincount(levels.ravel(), minlength=256)
    below, mass = counts.cumsum(), (counts * np.arange(256)).cumsum()
    between = (mass * below[-1] - mass[-1] * below).astype(np.float64) ** 2
    return int(np.argmax(between / (below * (below[-1] - below)).clip(1)))
