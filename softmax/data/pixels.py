"""Decode image files, and resize images as specified in docs/importing.md.

A resized pixel is the mean of the old pixels that it covers. If a side of `old` pixels becomes
`new` pixels, a side of an old pixel counts as `new` units and a side of a new pixel as `old`, so
overlaps are integers. The mean is the sum of gray levels times overlaps, divided by the sum of
overlaps, rounded half up. float64 represents these sums exactly, so no library affects the result.
"""

import functools
import io
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, PngImagePlugin, UnidentifiedImageError
from tqdm import tqdm

from softmax.data.raw_dataset import check_size
from softmax.errors import DataError

FORMATS = ("PNG", "JPEG", "BMP", "PPM", "TIFF", "WEBP")
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm", ".tif", ".tiff", ".webp")
COLORS = {"1": "L", "L": "L", "LA": "L", "P": "RGB", "PA": "RGB", "RGB": "RGB", "RGBA": "RGB"}
DECODER = f"Pillow {PIL.__version__}"
DEEP = "more than 8 bits per channel. Run `mogrify -depth 8`."
PngImagePlugin.MAX_TEXT_CHUNK = 2**26  # bytes, because cameras embed color profiles of several MiB

Source = Path | bytes


def decode(source: Source, name: str, *, keep_alpha: bool = False) -> NDArray[np.uint8]:
    """Decode an image and turn it upright: uint8 (rows, columns), or (rows, columns, 3) in color.

    With `keep_alpha`, an image that is not opaque becomes (rows, columns, 4). Raise DataError,
    beginning with `name`, if the file is invalid or if information would be lost.
    """
    try:
        if isinstance(source, Path) and not source.is_file():
            raise DataError("not a file. Correct the path.")
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # Pillow maps a TIFF that is opened by name into memory, in the wrong shape
            with (
                source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as file,
                Image.open(file, formats=FORMATS) as image,
            ):
                return _pixels(image, keep_alpha)
    except DataError as error:
        reason = str(error)
    except UnidentifiedImageError:
        reason = f"not an image ({', '.join(FORMATS)}), or damaged. Convert or replace it."
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        reason = f"more than {Image.MAX_IMAGE_PIXELS:,} pixels. Run `mogrify -resize 10%`."
    except Exception as error:  # damaged files raise many kinds of errors
        message = " ".join(str(error).split()) or type(error).__name__
        reason = getattr(error, "strerror", None) or f"damaged: {message}. Replace it."
    raise DataError(f"{name}: {reason}")


def _pixels(image: ImageFile.ImageFile, keep_alpha: bool) -> NDArray[np.uint8]:
    """Return the pixels of an opened image. Raise DataError if information would be lost."""
    deep = any(map(_is_deep, image.tile))
    if image.mode not in COLORS and not image.mode.startswith(("I", "F")):
        raise DataError(f"its color mode is {image.mode}. Run `mogrify -colorspace sRGB`.")
    # an MPO file also contains previews, or the photo for 3-D displays
    if image.format != "MPO" and (frames := getattr(image, "n_frames", 1)) != 1:
        raise DataError(f"{frames} images in one file. Save each image in its own file.")
    image.load()
    upright: Image.Image = ImageOps.exif_transpose(image)
    if upright.mode == "I;16" and np.asarray(upright).max() <= 255:  # 8 bits, stored in 16
        return np.asarray(upright).astype(np.uint8)
    if deep or upright.mode not in COLORS:
        raise DataError(DEEP)
    colors = COLORS[upright.mode]
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        alpha = np.asarray(upright.getchannel("A"))
        if clear := np.count_nonzero(alpha != 255):
            if keep_alpha:
                return np.asarray(upright)
            raise DataError(
                f"{clear} of {alpha.size} pixels are transparent. Run `mogrify -background white "
                "-flatten`."
            )
    return np.asarray(upright.convert(colors))


def _is_deep(tile: Any) -> bool:
    """Tell whether Pillow would reduce 16 bits to 8 without a warning."""
    rawmode, *rest = tile.args if isinstance(tile.args, tuple) else (tile.args,)
    return ";16" in str(rawmode) or (tile.codec_name.startswith("ppm") and rest[0] > 255)


def decode_all(
    place: Path, named: Sequence[tuple[str, Source]], size: tuple[int, ...] | None
) -> tuple[NDArray[np.uint8], list[str]]:
    """Return images of one shape, uint8 (n, rows, columns) or (n, rows, columns, 3), and warnings.

    Resize images to `size` if given, and convert gray images to RGB if any image has colors. Raise
    DataError if there are no images, or if their sizes differ.
    """
    images = []
    for name, source in tqdm(named, "images", unit=" images", leave=False, disable=None):
        image = decode(source, name)
        if not size:
            check_size(name, *image.shape[:2])
        images.append(resize(image, *size) if size else image)
    if not images:
        remedy = "Name a table, or a directory with one subdirectory of images for each class."
        raise DataError(f"{place}: no images. {remedy}")
    (usual, count), *others = Counter(image.shape[:2] for image in images).most_common()
    if others:
        (rows, columns), _ = others[0]
        name, _ = named[[image.shape[:2] for image in images].index((rows, columns))]
        raise DataError(
            f"{name}: {rows} x {columns} pixels, but {count} of {len(images)} images have "
            f"{usual[0]} x {usual[1]} ({1 + len(others)} sizes in all). Resize with --size 28x28."
        )
    gray = sum(image.ndim == 2 for image in images)
    if gray in (0, len(images)):
        return np.stack(images), []
    colored = [np.broadcast_to(image.reshape(*usual, -1), (*usual, 3)) for image in images]
    return np.stack(colored), [f"{gray} of {len(images)} images are gray and were converted to RGB"]


def resize(image: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """Resize an image, uint8 (old rows, old columns[, 3]), to `rows` and `columns`."""
    if image.shape[:2] == (rows, columns):
        return image
    if image.ndim == 3:
        return np.stack([resize(image[..., k], rows, columns) for k in range(3)], axis=-1)
    down, across = overlaps(image.shape[0], rows), overlaps(image.shape[1], columns)
    sums = (down @ image.astype(np.float64) @ across.T).astype(np.int64)
    return ((sums + image.size // 2) // image.size).astype(np.uint8)


@functools.lru_cache(maxsize=16)
def overlaps(old: int, new: int) -> NDArray[np.float64]:
    """Return the overlaps of new and old pixels, float64 (new, old). Each row sums to `old`."""
    edges = old * np.arange(new + 1)[:, None] - new * np.arange(old)
    return np.diff(edges.clip(0, new), axis=0).astype(np.float64)
