"""Turn strokes into an image as NIST's scans became MNIST's, by docs/image-preparation.md.

softmax/report/scripts/normalization.js gives the same bytes for drawings in the report.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from softmax.data.pixels import overlaps
from softmax.errors import DataError

BOX = 20  # pixels of the longer side of the strokes
SIDE = 28
SHAPE = (SIDE, SIDE)
NOISE = 32  # levels: pixels that differ less from the background belong to it
CONTRAST = 48  # levels: the minimum mean difference of strokes from the background
SPECK = 20  # parts of the strokes that are so many times smaller than the largest are specks

Levels = NDArray[np.uint8]
Whole = NDArray[np.int64]


def normalize(strokes: Levels) -> Levels:
    """Return the image, uint8 (28, 28), of strokes (rows, columns), 0 to 255; black if empty.

    All numbers are integers, below 2^53 for at most 2^15 rows or columns: the same in any language.
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
        image[y : y + BOX, x : x + BOX] = (2 * sums + size**2) // (2 * size**2)  # ties up
    return image[inside, inside]


def _first(mass: Whole) -> int:
    """Return where the box starts, so that the center of its mass, (20,), is in [14, 15).

    MNIST's are, too: each of its images, which have 20 pixels, is its own preparation.
    """
    total, moment = mass.sum(), mass @ (2 * np.arange(BOX) + 1)
    return int(-((moment - SIDE * total) // (2 * total)))


def find(gray: Levels) -> tuple[Levels, bool]:
    """Return 255 where a photo (rows, columns) has strokes, else 0, and whether they are dark.

    Raises DataError if nothing stands out from the background.
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
    """Return the quadratic surface that fits the border pixels best, in integers from 0 to 255."""
    y, x = np.ix_(*(np.linspace(-1, 1, side) for side in gray.shape))
    terms = np.broadcast_arrays(1, x, y, x * x, x * y, y * y)
    border = np.ones(gray.shape, bool)
    border[1:-1, 1:-1] = False
    fit = np.linalg.lstsq(np.stack([term[border] for term in terms], 1), gray[border] * 1.0)[0]
    surface = sum(c * term for c, term in zip(fit, terms, strict=True))
    return np.rint(surface).clip(0, 255).astype(np.int64)


def otsu(levels: Whole) -> int:
    """Return the level, 0 to 255, that best separates pixels into a lower and a higher class.

    It gives the largest variance between the classes; on ties, the lowest such level.
    Source: N. Otsu, "A threshold selection method from gray-level histograms", 1979.
    """
    counts = np.bincount(levels.ravel(), minlength=256)
    below, mass = counts.cumsum(), (counts * np.arange(256)).cumsum()
    between = (mass * below[-1] - mass[-1] * below).astype(np.float64) ** 2
    return int(np.argmax(between / (below * (below[-1] - below)).clip(1)))
