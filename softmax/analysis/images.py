"""Draw weights as PNG and prediction figures as SVG, whose bytes are the same everywhere.

Images drawn by matplotlib differ between machines, because it rasterizes in floating point and
compressors differ. Here an image is a matrix of levels, uint8, with a palette, and libdeflate
compresses it to the same bytes on all processors: docs/arithmetic.md.
"""

import base64
import math
import struct
import zlib
from collections.abc import Sequence
from html import escape

import deflate
import numpy as np
from numpy.typing import NDArray

from softmax.core import model
from softmax.core.arrays import FloatArray

Levels = NDArray[np.uint8]

MAX_PIXELS = 2**24  # maximum pixels of all classes together; MNIST has 12,544,000 at the scale 40
LINE, NUMBER = 0, 128  # levels of the lines between tiles, and of the numbers above tiles
SIGNS = "0123456789-"  # the characters in GLYPHS, where an octal digit encodes three cells
GLYPHS = ("72775777770", "56115441550", "52777771777", "52411151510", "77771771770")

ROWS = 10  # maximum number of classes in a prediction figure
ROW, BAR = 24, 200  # pixels: the height of a class, and the width of the bar of probability 1
LETTER = 9  # pixels: the width of a letter
MIN_NAME_WIDTH = 56  # pixels, of the column of class names

PREDICTION_FIGURE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 320" width="{width}" height="320"
     font-family="Helvetica, Arial, sans-serif" font-size="15" fill="#1f2328">
<rect width="{width}" height="320" fill="#ffffff"/>
<text x="24" y="34" font-size="18" font-weight="bold">{title}</text>
<image x="24" y="54" width="232" height="232" image-rendering="pixelated"
       style="image-rendering: pixelated" href="data:image/png;base64,{picture}"/>
<g fill="#59636e" text-anchor="end">
<text x="{name}" y="64">class</text><text x="{score}" y="64">score z</text>
<text x="{right}" y="64">probability a</text>
</g>
{rows}
</svg>
"""
CLASS = """\
<g text-anchor="end"{weight}>
<text x="{name}" y="{y}">{called}</text><text x="{score}" y="{y}">{z:.3f}</text>
<rect x="{left}" y="{top}" width="{bar}" height="14" fill="{color}"/>
<text x="{right}" y="{y}">{a:.3f}</text>
</g>"""

GRAY = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


def ramp(start: Sequence[int], end: Sequence[int], count: int) -> Levels:
    """Return `count` colors from the RGB color `start` to `end`: (count, 3)."""
    first, change = np.array(start), np.subtract(end, start)
    return (first + change * np.arange(count)[:, None] // (count - 1)).astype(np.uint8)


def two_sided(below: Sequence[int], above: Sequence[int]) -> Levels:
    """Return a palette from `below` (1) through white (128) to `above` (255), with a dark LINE."""
    down, up = (ramp((247, 247, 247), end, 128) for end in (below, above))
    return np.concatenate([np.array([[64, 64, 64]], np.uint8), down[:0:-1], up])


DIVERGING = two_sided((33, 102, 172), (178, 24, 43))  # blue and red


def tiles(theta: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return the weights of each class, arranged like the pixels, float64 (classes, rows, columns).

    For RGB images, whose `shape` is (rows, columns, 3), red, green and blue are side by side.
    """
    rows, columns, *channels = shape
    weight = theta[:, :-1].reshape(len(theta), rows, columns, math.prod(channels))
    return weight.swapaxes(2, 3).reshape(len(theta), rows, -1)


def gray(tiles: FloatArray) -> Levels:
    """Scale each tile to levels from 0, its minimum weight, to 255, its maximum weight."""
    minimum = tiles.min(axis=(1, 2), keepdims=True)
    span = tiles.max(axis=(1, 2), keepdims=True) - minimum
    return np.rint((tiles - minimum) / np.where(span > 0, span, 1) * 255).astype(np.uint8)


def diverging(tiles: FloatArray) -> Levels:
    """Scale all tiles by the same factor to levels from 1 to 255, with 128 for weight 0."""
    return np.rint(tiles / (abs(tiles).max() or 1.0) * 127 + 128).astype(np.uint8)


def scale(wanted: int, size: tuple[int, int]) -> int:
    """Return the side of a weight in pixels: `wanted`, or less for MAX_PIXELS, but at least 1."""
    return max(min(wanted, math.isqrt(MAX_PIXELS // math.prod(size))), 1)


def contact_sheet(tiles: Levels, numbers: Sequence[str] = ()) -> Levels:
    """Arrange tiles in rows, for example ten in two rows of five, with lines of one cell between.

    Above each tile is its text in `numbers`, which consists of SIGNS, or by default its index.
    """
    columns = math.isqrt((5 * len(tiles) - 1) // 2) + 1  # about 2.5 columns per row
    tiles = np.pad(tiles, ((0, 0), (6, 0), (0, 0)), constant_values=LINE)
    for tile, number in zip(tiles, numbers or map(str, range(len(tiles))), strict=True):
        octal = np.array([[int(row[SIGNS.index(sign)]) for sign in number] for row in GLYPHS])
        cells = octal[:, :, None] >> [2, 1, 0, 3] & 1  # (5, signs, 4); the last column is empty
        tile[:5, : 4 * len(number)] = NUMBER * cells.reshape(5, -1)[:, : tile.shape[1]]
    framed = np.pad(tiles, ((0, -len(tiles) % columns), (1, 0), (1, 0)), constant_values=LINE)
    rows = [np.hstack(list(framed[k : k + columns])) for k in range(0, len(framed), columns)]
    return np.pad(np.vstack(rows), ((0, 1), (0, 1)), constant_values=LINE)


def png(levels: Levels, palette: Levels, scale: int) -> bytes:
    """Return `levels` as a PNG file, with a square of `scale` x `scale` pixels for each.

    Levels (height, width) are indices into `palette`, (256, 3); levels (height, width, 3) are RGB.
    Source: PNG specification, third edition, chapters 5 and 10.
    """
    pixels = levels.repeat(scale, axis=0).repeat(scale, axis=1)
    height, width, *channels = pixels.shape
    kind = 2 if channels else 3  # true color or indexed
    lines = np.pad(pixels.reshape(height, -1), ((0, 0), (1, 0)))  # filter 0 begins each line
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in [
            (b"IHDR", struct.pack(">2I5B", width, height, 8, kind, 0, 0, 0)),
            *([] if channels else [(b"PLTE", palette.tobytes())]),
            (b"IDAT", bytes(deflate.zlib_compress(lines.tobytes(), 9))),
            (b"IEND", b""),
        ]
    )


def prediction_figure(
    index: int, pixels: Levels, label: int, z: FloatArray, names: Sequence[str]
) -> bytes:
    """Draw test image `index`, gray or RGB, and its logits z (classes,), as SVG.

    The label's bar is green. The bar of an incorrect prediction is red. If there are more than ROWS
    classes, show those with the largest logits, and the label instead of the last if necessary.
    """
    a, shown = model.softmax(z[:, None])[:, 0], list(range(len(z)))
    if len(z) > ROWS:
        shown = np.argsort(-z, kind="stable")[:ROWS].tolist()
        shown = shown if label in shown else [*shown[:-1], label]
    wider = max(0, LETTER * max(len(names[k]) for k in shown) - MIN_NAME_WIDTH)
    places = {"name": 320 + wider, "score": 410 + wider, "left": 426 + wider, "right": 700 + wider}
    prediction = int(np.argmax(z))
    rows = [
        CLASS.format(
            called=escape(names[k]),
            z=z[k] + 0.0,  # not -0.0, because the sign of zero depends on the order
            a=a[k],
            y=88 + ROW * row,
            top=76 + ROW * row,
            bar=round(float(a[k]) * BAR),
            color="#2da44e" if k == label else "#cf222e" if k == prediction else "#8c959f",
            weight=' font-weight="bold"' if k in (label, prediction) else "",
            **places,
        )
        for row, k in enumerate(shown)
    ]
    what = f"a {names[label]}" if names[label].isdecimal() else names[label]
    verdict = "correct" if prediction == label else "misclassified"
    called = f"classified as {names[prediction]} ({a[prediction]:.2f})"
    title = f"Test image {index}: {what}, {called}: {verdict}"
    picture = base64.b64encode(png(pixels, GRAY, 1)).decode()
    return PREDICTION_FIGURE.format(
        title=escape(title), picture=picture, rows="\n".join(rows), width=720 + wider, **places
    ).encode()
