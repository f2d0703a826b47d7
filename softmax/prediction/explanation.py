"""Why an image is called what it is called: what each pixel adds to a score.

The same maps as the page's, on the same scale (softmax/page/scripts/versus.js).
"""

import numpy as np
from numpy.typing import NDArray

from softmax.core.arithmetic import WHITE
from softmax.core.arrays import FloatArray
from softmax.results import images


def contributions(theta: FloatArray, pixels: NDArray[np.uint8]) -> FloatArray:
    """w x of each pixel, and b, for the class that wins, the next one, and the one less the other.

    Each row, (3, features + 1), adds up to a score, the last one to the lead over the next class.
    """
    inputs = np.append(pixels, WHITE)
    winner, rival = np.argsort(-(theta @ inputs), kind="stable")[:2]
    rows = np.stack([theta[winner], theta[rival], theta[winner] - theta[rival]])
    return rows * inputs / WHITE


def draw(theta: FloatArray, pixels: NDArray[np.uint8], scale: int) -> bytes:
    """Maps of the three beside each other, as PNG; `pixels` are in the model's shape."""
    tiles = images.tiles(contributions(theta, pixels), pixels.shape)
    return images.png(images.grid(images.diverging(tiles)), images.DIVERGING, scale)
