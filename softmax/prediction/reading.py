"""Files of images in any form as the model's pixels, and what was done to each."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from softmax.core import data, idx
from softmax.errors import DataError
from softmax.prediction import decoding, ink
from softmax.prediction.normalization import SHAPE, normalize

MAX_SIDE = 1024  # pixels of a photo's longer side; more are averaged, in whole squares
AS_IT_IS = "as it is"

Levels = NDArray[np.uint8]
Shape = tuple[int, ...]


class Seen(NamedTuple):
    """An image as a model sees it, 0 to 255, in the model's shape, and what was done to it."""

    name: str
    pixels: Levels
    done: str


def read(path: Path, shape: Shape) -> Iterator[Seen]:
    """The images of a PNG, JPEG or IDX file, for a model of images of this shape.

    Raises OSError or DataError, in one line, for what cannot be seen.
    """
    with path.open("rb") as file:
        if file.read(2) == b"\0\0":
            yield from _idx(path, shape)
            return
    image, opaque = decoding.decode(path)
    rows, columns, *channels = shape
    gray = image.convert("L")
    right = opaque and image.size == (columns, rows)
    if right and channels:
        yield Seen(path.name, np.asarray(image.convert("RGB")), AS_IT_IS)
    elif right and not (np.asarray(image.convert("RGB")) - np.asarray(gray)[..., None]).any():
        yield Seen(path.name, np.asarray(gray), AS_IT_IS)
    elif shape == SHAPE:
        yield _normalized(path, gray)
    else:
        kind = "RGB" if channels else "gray"
        found = f"{image.height} x {image.width} pixels"
        taken = f"{rows} x {columns}, {kind} and opaque"
        raise DataError(f"{path}: {found}; this model takes {taken}")


def _normalized(path: Path, gray: Image.Image) -> Seen:
    try:
        found, dark = ink.find(np.asarray(gray.reduce(-(-max(gray.size) // MAX_SIDE))))
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    return Seen(path.name, normalize(found), "inverted, centred" if dark else "centred")


def _idx(path: Path, shape: Shape) -> Iterator[Seen]:
    try:
        images = idx.read(path, 1 + len(shape))
    except DataError as error:
        reason = str(error).partition(";")[0]  # after it: how to repair a download
        raise DataError(reason) from None
    if images.shape[1:] != shape:
        taken = " x ".join(map(str, shape))
        raise DataError(f"{path}: {data.sized(images.shape)}; this model takes {taken}")
    for n, pixels in enumerate(images):
        yield Seen(f"{path.name}[{n}]", pixels, AS_IT_IS)
