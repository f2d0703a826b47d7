"""The picture of MLflow's slider, which has a square for it."""

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont
from PIL.Image import Resampling

from softmax.results.images import Levels

LARGEST = 6  # screen pixels per weight
WIDEST = 1200  # screen pixels; where more would be needed, the tiles are reduced
CAPTION = 9  # weights high: three rows of four tiles of 28 x 28 are nearly a square
LETTER = 0.85  # of the caption


def picture(tiles: Levels, names: Sequence[str]) -> Image.Image:
    """The tiles (classes, rows, columns) in rows, each under the name of its class."""
    classes, *sides = tiles.shape
    across = math.ceil(math.sqrt(classes * (sides[0] + CAPTION) / sides[1]))
    scale = min(LARGEST, WIDEST / (across * sides[1]))
    scale = math.floor(scale) or scale
    height, width, caption = (math.ceil(length * scale) for length in (*sides, CAPTION))
    size = across * width, math.ceil(classes / across) * (caption + height)
    sheet, method = Image.new("L", size, "white"), Resampling.BOX if scale < 1 else 0
    draw, font = ImageDraw.Draw(sheet), _font(LETTER * caption, names, width)
    for k, (tile, name) in enumerate(zip(tiles, names, strict=True)):
        left, top = k % across * width, k // across * (caption + height)
        draw.text((left + width // 2, top + caption // 2), name, "black", font, anchor="mm")
        sheet.paste(Image.fromarray(tile).resize((width, height), method), (left, top + caption))
    return sheet


def _font(
    size: float, names: Sequence[str], width: int
) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Letters of this size, or as small as the longest name needs."""
    longest = max(ImageFont.load_default(size).getlength(name) for name in names)
    return ImageFont.load_default(max(size * min(1, 0.95 * width / longest), 1))
