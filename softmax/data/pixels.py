"""An image file as pixels: what Pillow decodes with nothing lost, or it is refused.

Up to 8 bits a pixel are taken as they are, black and white as 0 and 255, the colors of a palette
as what they stand for. An alpha channel is dropped where all is opaque.

To resize, each new pixel is the mean of what it covers, in whole numbers.

Along each side, the old pixels and the new ones share one scale, on which an old one is as long as
there are new ones, and a new one as long as there are old ones. So overlaps are whole numbers, and
a pixel is the sum of gray levels times overlaps, divided by the sum of overlaps and rounded, halves
up. float64 holds all these sums exactly: the bytes are the same with every library.
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from softmax.errors import DataError

FORMATS = ("PNG", "JPEG", "BMP", "PPM", "TIFF", "WEBP")
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm", ".tif", ".tiff", ".webp")
COLOURS = {"1": "L", "L": "L", "LA": "L", "P": "RGB", "PA": "RGB", "RGB": "RGB", "RGBA": "RGB"}


class Header(NamedTuple):
    """Rows and columns of an image, "L" or "RGB", and whether EXIF says that it is to be turned."""

    size: tuple[int, int]
    colors: str
    turned: bool


def look(path: Path) -> Header:
    """The header of an image; DataError if it is of a kind that is not taken."""
    with _opened(path) as image:
        if any(map(_is_deep, image.tile)) or image.mode.startswith(("I", "F")):
            raise DataError(f"{path}: more than 8 bits a pixel; `mogrify -depth 8` reduces them")
        if image.mode not in COLOURS:
            raise DataError(
                f"{path}: colors are {image.mode}; `mogrify -colorspace sRGB` makes them RGB"
            )
        # a second one in a JPEG is for screens that show more
        if image.format != "MPO" and (frames := getattr(image, "n_frames", 1)) != 1:
            raise DataError(f"{path}: {frames} images in a file; make a file of each")
        turned = "exif" in image.info and image.getexif().get(ExifTags.Base.Orientation, 1) != 1
        return Header((image.height, image.width), COLOURS[image.mode], turned)


def decode(path: Path, colors: str) -> NDArray[np.uint8]:
    """The image as uint8, (rows, columns) for "L", (rows, columns, 3) for "RGB".

    Gray as RGB has three equal values. DataError where pixels are damaged or not opaque.
    """
    with _opened(path) as image:
        image.load()
        plain: Image.Image = image
        if image.has_transparency_data:
            plain = image.convert("RGBA")
            alpha = np.asarray(plain.getchannel("A"))
            if clear := np.count_nonzero(alpha != 255):
                raise DataError(
                    f"{path}: {clear} of {alpha.size} pixels are transparent; `mogrify -background "
                    "white -flatten` paints them over"
                )
        return np.asarray(plain.convert(colors))


@contextmanager
def _opened(path: Path) -> Iterator[ImageFile.ImageFile]:
    """The image, not yet decoded; DataError for whatever a decoder comes upon in damaged bytes."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            yield image
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(f"{path}: not an image, or damaged") from None
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path}: damaged: {reason}") from None


def _is_deep(tile: Any) -> bool:
    """Whether Pillow would take 8 bits of 16, without a word."""
    rawmode, *rest = tile.args if isinstance(tile.args, tuple) else (tile.args,)
    return ";16" in str(rawmode) or (tile.codec_name.startswith("ppm") and rest[0] > 255)


def resize(image: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """`image`, uint8 (any rows, any columns) or with 3 colors as a last axis, in this size."""
    if image.shape[:2] == (rows, columns):
        return image
    if image.ndim == 3:
        return np.stack([resize(image[..., k], rows, columns) for k in range(3)], axis=-1)
    down, across = _overlaps(image.shape[0], rows), _overlaps(image.shape[1], columns)
    sums = (down @ image.astype(np.float64) @ across.T).astype(np.int64)
    return ((sums + image.size // 2) // image.size).astype(np.uint8)


@functools.lru_cache(maxsize=16)
def _overlaps(old: int, new: int) -> NDArray[np.float64]:
    """How much of each of `old` pixels each of `new` ones covers, (new, old); rows sum to `old`."""
    starts, ends = np.arange(new)[:, None] * old, np.arange(1, new + 1)[:, None] * old
    first, last = np.arange(old) * new, np.arange(1, old + 1) * new
    covered = np.minimum(ends, last) - np.maximum(starts, first)
    return np.maximum(covered, 0).astype(np.float64)
