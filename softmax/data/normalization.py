"""Prepare strokes like MNIST's images, as specified in docs/image-preparation.md.

softmax/report/scripts/normalization.js computes the same bytes for drawings in the report.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from softmax.data.pixels import overlaps
from softmax.errors import DataError

BOX = 20  # pixels; the strokes are scaled so that their longer side has this length
SIDE = 28  # pixels; the side of the normalized image
SHAPE = (SIDE, SIDE)
NOISE = 32  # gray levels; a pixel that differs less from the background belongs to it
CONTRAST = 48  # gray levels; the minimum mean difference between strokes and background
SPECK = 20  # a connected component is a speck if the largest one is more than 20 times as large

Levels = NDArray[np.uint8]
Integers = NDArray[np.int64]


def normalize(strokes: Levels) -> Levels:
    """Scale and center strokes, uint8 (rows, columns), in an image, uint8 (28, 28).

    All numbers are integers below 2^53 for up to 2^15 rows and columns, so they are exact.
    """
    image = np.zeros((SIDE + 2 * BOX, SIDE + 2 * BOX), np.uint8)  # with a margin that is cut off
    inside = slice(BOX, BOX + SIDE)
    if strokes.any():
        rows, columns = (np.flatnonzero(strokes.any(axis=axis)) for axis in (1, 0))
        drawn = strokes[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        size = max(drawn.shape)
        down, across = (overlaps(size, BOX)[:, :cells] for cells in drawn.shape)
        sums = (down @ drawn @ across.T).astype(np.int64)
        y, x = (BOX + _first(sums.sum(axis=axis)) for axis in (1, 0))
        image[y : y + BOX, x : x + BOX] = (2 * sums + size**2) // (2 * size**2)  # halves up
    return image[inside, inside]


def _first(mass: Integers) -> int:
    """Return the first row or column of the box that puts its center of mass in [14, 15).

    `mass`, (20,), contains sums over rows or columns. MNIST's images have this center of mass, too.
    """
    total, moment = mass.sum(), mass @ (2 * np.arange(BOX) + 1)
    return int(-((moment - SIDE * total) // (2 * total)))


def find(gray: Levels) -> tuple[Levels, bool]:
    """Return the strokes of a photo, uint8 (rows, columns), 255 or 0, and whether they are dark.

    Raise DataError if nothing differs enough from the background.
    """
    difference = gray - _background(gray)
    dark = int((difference**3).sum()) < 0
    contrast = (-difference if dark else difference).clip(0)
    contrast[contrast < NOISE] = 0
    strokes = contrast > otsu(contrast)
    if not strokes.any() or contrast[strokes].mean() < CONTRAST:
        raise DataError(
            "no strokes found. Use an image of one digit that is clearly darker or lighter than a "
            "plain background."
        )
    components, _ = ndimage.label(strokes, np.ones((3, 3)))
    sizes = np.bincount(components[strokes])
    return 255 * (strokes & (sizes * SPECK >= sizes.max())[components]).astype(np.uint8), dark


def _background(gray: Levels) -> Integers:
    """Return the quadratic surface that fits the border best, int64 (rows, columns), 0 to 255."""
    y, x = np.ix_(*(np.linspace(-1, 1, side) for side in gray.shape))
    terms = np.broadcast_arrays(1, x, y, x * x, x * y, y * y)
    border = np.ones(gray.shape, bool)
    border[1:-1, 1:-1] = False
    fit = np.linalg.lstsq(np.stack([term[border] for term in terms], 1), gray[border] * 1.0)[0]
    surface = sum(c * term for c, term in zip(fit, terms, strict=True))
    return np.rint(surface).clip(0, 255).astype(np.int64)


def otsu(levels: Integers) -> int:
    """Return the level, 0 to 255, that best separates pixels into a lower and a higher class.

    This level maximizes the variance between the classes. On ties, return the lowest level.
    Source: N. Otsu, "A threshold selection method from gray-level histograms", 1979.
    """
    counts = np.bincount(levels.ravel(), minlength=256)
    below, mass = counts.cumsum(), (counts * np.arange(256)).cumsum()
    between = (mass * below[-1] - mass[-1] * below).astype(np.float64) ** 2
    return int(np.argmax(between / (below * (below[-1] - below)).clip(1)))
