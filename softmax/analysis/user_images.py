"""Read images of any kind as the model's pixels: upright, opaque, of its size."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from softmax.analysis import normalization
from softmax.analysis.normalization import SHAPE, normalize
from softmax.core import batches, idx
from softmax.errors import DataError

FORMATS = ("PNG", "JPEG")
GROUNDS = ("white", "black")  # under what is transparent: the first on which something is seen
LEAST = 32  # levels of gray, between the darkest and the lightest pixel, that are seen
MAX_SIDE = 1024  # pixels of a photo's longer side; more are averaged, in whole squares
AS_IT_IS = "as it is"

Shape = tuple[int, ...]


class PreparedImage(NamedTuple):
    """An image as a model sees it, 0 to 255, in the model's shape, and what was done to it."""

    name: str
    pixels: NDArray[np.uint8]
    done: str


def read(path: Path, shape: Shape) -> Iterator[PreparedImage]:
    """The images of a PNG, JPEG or IDX file, for a model of images of this shape.

    Raises OSError or DataError, in one line, for what cannot be seen.
    """
    with path.open("rb") as file:
        if file.read(2) == b"\0\0":
            yield from _idx(path, shape)
            return
    image, opaque = _decode(path)
    rows, columns, *channels = shape
    gray = image.convert("L")
    right = opaque and image.size == (columns, rows)
    if right and channels:
        yield PreparedImage(path.name, np.asarray(image.convert("RGB")), AS_IT_IS)
    elif right and not (np.asarray(image.convert("RGB")) - np.asarray(gray)[..., None]).any():
        yield PreparedImage(path.name, np.asarray(gray), AS_IT_IS)
    elif shape == SHAPE:
        yield _normalized(path, gray)
    else:
        kind = "RGB" if channels else "gray"
        found = f"{image.height} x {image.width} pixels"
        taken = f"{rows} x {columns}, {kind} and opaque"
        raise DataError(f"{path}: {found}; this model takes {taken}")


def _normalized(path: Path, gray: Image.Image) -> PreparedImage:
    try:
        found, dark = normalization.find(np.asarray(gray.reduce(-(-max(gray.size) // MAX_SIDE))))
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    return PreparedImage(path.name, normalize(found), "inverted, centred" if dark else "centred")


def _idx(path: Path, shape: Shape) -> Iterator[PreparedImage]:
    try:
        images = idx.read(path, 1 + len(shape))
    except DataError as error:
        reason = str(error).partition(";")[0]  # after it: how to repair a download
        raise DataError(reason) from None
    if images.shape[1:] != shape:
        taken = " x ".join(map(str, shape))
        raise DataError(f"{path}: {batches.sized(images.shape)}; this model takes {taken}")
    if not len(images):
        raise DataError(f"{path}: holds no images. Give an IDX file of at least one image.")
    for n, pixels in enumerate(images):
        yield PreparedImage(f"{path.name}[{n}]", pixels, AS_IT_IS)


def _decode(path: Path) -> tuple[Image.Image, bool]:
    """The image in 8 bits, in mode L or RGB, and whether it is opaque.

    Raises DataError unless all of it can be decoded.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                return _flat(ImageOps.exif_transpose(image))
    except UnidentifiedImageError:
        raise DataError(f"{path}: not a PNG, JPEG or IDX file") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        most = f"{Image.MAX_IMAGE_PIXELS:,} pixels"
        raise DataError(f"{path}: more than {most}; make it smaller") from None
    except Exception as error:  # whatever a decoder comes upon
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path}: cannot be decoded: {reason}") from None


def _flat(image: Image.Image) -> tuple[Image.Image, bool]:
    if image.mode.startswith("I"):  # 16 bits, which Pillow would cut off at 255
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)), True
    visible = image.convert("RGBA")
    if np.asarray(visible.getchannel("A")).min() == 255:
        return image.convert("L" if image.mode in ("1", "L", "LA") else "RGB"), True
    for background in GROUNDS:
        flat = Image.alpha_composite(Image.new("RGBA", image.size, background), visible).convert(
            "RGB"
        )
        if np.ptp(np.asarray(flat.convert("L"))) >= LEAST:
            break
    return flat, False
