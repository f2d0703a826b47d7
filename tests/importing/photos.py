"""Digits of a font, as people photograph what they write."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Levels = NDArray[np.uint8]


def written(digit: str, side: int = 400) -> NDArray[np.float64]:
    """Draw a digit, off the middle: 1 where it is ink, 0 elsewhere, (side, side)."""
    field = Image.new("L", (side, side))
    font = ImageFont.load_default(side // 2)
    ImageDraw.Draw(field).text((side // 4, side // 8), digit, 255, font)
    return np.asarray(field) / 255


def photographed(strokes: NDArray[np.float64], *, shade: float = 0, noise: float = 0) -> Levels:
    """Photograph dark ink on paper, in light from one corner, with the camera's noise."""
    y, x = np.mgrid[: strokes.shape[0], : strokes.shape[1]] / max(strokes.shape)
    light = 240 * (1 - 0.8 * strokes) * (1 - shade * (x + y) / 2)
    light = light + np.random.default_rng(0).normal(0, noise, strokes.shape)
    return light.clip(0, 255).astype(np.uint8)
