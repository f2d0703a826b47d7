"""What is ink in a photo, and what its ground: docs/predict.md says by which rules."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from softmax.errors import DataError

NOISE = 32  # levels: what differs less from its ground is ground
CONTRAST = 48  # levels by which ink differs from it in the mean, at least
SPECK = 20  # a part of the ink that is so many times smaller than the largest one is none

Levels = NDArray[np.uint8]
Whole = NDArray[np.int64]


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
        raise DataError("no ink found; draw it darker or lighter than its ground, which is even")
    return 255 * _without_specks(inked).astype(np.uint8), dark


def _ground(gray: Levels) -> Whole:
    """The quadratic surface that fits the pixels of the border best, in whole levels, 0 to 255."""
    y, x = np.meshgrid(
        *(np.linspace(-1, 1, side) for side in gray.shape), indexing="ij", sparse=True
    )
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


def _without_specks(inked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """`inked` less the connected parts that are small beside the largest one."""
    parts, _ = ndimage.label(inked, np.ones((3, 3)))
    sizes = np.bincount(parts[inked])
    return inked & (sizes * SPECK >= sizes.max())[parts]
