"""Pictures of weights as facts: colours in whole numbers, PNG whose bytes need no compressor.

matplotlib rasterises in floating point and compressors differ, so that neither gives the same
bytes everywhere. Here a picture is a matrix of levels, uint8, and a palette.
"""

import math
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.uint8]

COLUMNS = 5  # of the grid of classes
LINE = 0  # the level between the tiles of the grid
STORED = 65535  # the longest stored block of deflate

GRAY = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


def ramp(start: Sequence[int], end: Sequence[int], count: int) -> Levels:
    """`count` colours from the RGB colour `start` to `end`: (count, 3)."""
    first, change = np.array(start), np.subtract(end, start)
    return (first + change * np.arange(count)[:, None] // (count - 1)).astype(np.uint8)


def two_sided(below: Sequence[int], above: Sequence[int]) -> Levels:
    """Below to white to above for the levels 1 to 255 with white at 128, dark gray for LINE."""
    down, up = (ramp((247, 247, 247), end, 128) for end in (below, above))
    return np.concatenate([np.array([[64, 64, 64]], np.uint8), down[:0:-1], up])


DIVERGING = two_sided((33, 102, 172), (178, 24, 43))  # blue and red


def gray(weight: NDArray[np.float64]) -> Levels:
    """Levels of each class between its least and its largest weight: (classes, side, side)."""
    least = weight.min(axis=1, keepdims=True)
    span = weight.max(axis=1, keepdims=True) - least
    return _tiles((weight - least) / np.where(span > 0, span, 1) * 255)


def diverging(weight: NDArray[np.float64]) -> Levels:
    """Levels around 128 for weight 0, on one scale for all classes: (classes, side, side)."""
    largest = abs(weight).max()
    return _tiles(weight / (largest or 1.0) * 127 + 128)


def _tiles(levels: NDArray[np.float64]) -> Levels:
    side = math.isqrt(levels.shape[1])
    return np.rint(levels).astype(np.uint8).reshape(-1, side, side)


def grid(tiles: Levels) -> Levels:
    """The tiles in rows of COLUMNS with a line of one cell around each."""
    framed = np.pad(tiles, ((0, 0), (1, 0), (1, 0)), constant_values=LINE)
    rows = [np.hstack(list(framed[k : k + COLUMNS])) for k in range(0, len(framed), COLUMNS)]
    return np.pad(np.vstack(rows), ((0, 1), (0, 1)), constant_values=LINE)


def png(levels: Levels, palette: Levels, scale: int) -> bytes:
    """A PNG file of `levels` (height, width), each a square of `scale` pixels.

    The pixels are indices into `palette` (256, 3), in stored blocks of deflate. Source: PNG
    specification, third edition, 5 and 10; RFC 1950 and 1951.
    """
    pixels = levels.repeat(scale, axis=0).repeat(scale, axis=1)
    height, width = pixels.shape
    lines = np.pad(pixels, ((0, 0), (1, 0))).tobytes()  # before each line, filter 0: none
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in [
            (b"IHDR", struct.pack(">2I5B", width, height, 8, 3, 0, 0, 0)),
            (b"PLTE", palette.tobytes()),
            (b"IDAT", _stored(lines)),
            (b"IEND", b""),
        ]
    )


def _stored(content: bytes) -> bytes:
    """`content` as a zlib stream that does not compress."""
    blocks = [content[start : start + STORED] for start in range(0, len(content), STORED)]
    stream = [b"\x78\x01"]
    for block in blocks:
        last = block is blocks[-1]
        stream += [struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF), block]
    return b"".join([*stream, struct.pack(">I", zlib.adler32(content))])
