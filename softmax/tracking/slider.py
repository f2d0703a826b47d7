"""The picture of MLflow's slider, which has a square for it."""

import math

from PIL import Image, ImageDraw, ImageFont

from softmax.results.images import Levels

SCALE = 6  # screen pixels per weight
CAPTION = 9  # weights high: three rows of four tiles of 28 x 28 are nearly a square


def picture(tiles: Levels) -> Image.Image:
    """The tiles (classes, side, side) in rows, each under the number of its class."""
    classes, side, _ = tiles.shape
    columns = math.ceil(math.sqrt(classes * (side + CAPTION) / side))
    width, height = side * SCALE, (side + CAPTION) * SCALE
    sheet = Image.new("L", (columns * width, math.ceil(classes / columns) * height), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(CAPTION * SCALE - 8)
    for k, tile in enumerate(tiles):
        left, top = k % columns * width, k // columns * height
        draw.text((left + width // 2, top), str(k), "black", font, anchor="ma")
        sheet.paste(Image.fromarray(tile).resize((width, width), 0), (left, top + CAPTION * SCALE))
    return sheet
