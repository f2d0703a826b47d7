"""Read a user's images, and prepare them like the images of a model's data set."""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from softmax.core.arithmetic import MAX_PIXEL
from softmax.core.batches import sized
from softmax.data import array_files, directories, normalization, tables
from softmax.data.normalization import SHAPE, normalize
from softmax.data.pixels import ENDINGS, Source, decode, resize
from softmax.errors import DataError
from softmax.pipeline.datasets import DatasetEntry

BACKGROUNDS = ("white", "black")  # for transparent images; the first that shows strokes is used
MIN_RANGE = 32  # gray levels; the minimum range of an image that shows strokes
MAX_SIDE = 1024  # pixels; if a side of a photo is longer, squares of pixels are averaged
REMEDY = "Name an image, a directory of images, a table, an .npz file or an IDX file."
AS_IT_IS, RESIZED, STROKES = "as it is", "resized", "pen strokes"

Pixels = NDArray[np.uint8]
FoundImage = tuple[str, str, Source | Pixels]  # name in results, name in errors, source or pixels


class PreparedImage(NamedTuple):
    """An image, uint8 in the model's shape, its name, and how it was prepared."""

    name: str
    pixels: Pixels
    done: str


def read(
    paths: Sequence[Path], entry: DatasetEntry
) -> tuple[list[PreparedImage], list[DataError | OSError]]:
    """Return the images of files and directories, prepared for a model of this data set.

    Also return an error, whose message is one line, for each file or image that cannot be read.
    """
    images: list[PreparedImage] = []
    failed: list[DataError | OSError] = []
    with tqdm(desc="read", unit=" images", leave=False, disable=None) as bar:
        for path in paths:
            before = len(images) + len(failed)
            with _collect_errors(failed):
                for name, place, source in _find(path, entry):
                    bar.update()
                    with _collect_errors(failed):
                        # bytes of a file name that are not UTF-8 are written as \xff
                        utf8 = os.fsencode(name).decode(errors="backslashreplace")
                        images.append(PreparedImage(utf8, *_prepare(place, source, entry)))
                if len(images) + len(failed) == before:
                    raise DataError(f"{path}: contains no images. {REMEDY}")
    return images, failed


@contextmanager
def _collect_errors(failed: list[DataError | OSError]) -> Iterator[None]:
    try:
        yield
    except (DataError, OSError) as error:
        failed.append(error)


def _find(path: Path, entry: DatasetEntry) -> Iterator[FoundImage]:
    """Yield the images of a directory, a table, an .npz, an IDX file, or an image file."""
    path.stat()  # raises OSError if the path does not exist
    ending = path.suffix.lower()
    if path.is_dir():
        for file in directories.files([path]):
            if file.name.lower().endswith(ENDINGS):
                yield str(file.relative_to(path)), str(file), file
    elif not path.is_file():
        raise DataError(f"{path}: is a pipe or a device. Save its content as a file.")
    elif ending in tables.ENDINGS:
        yield from _rows(path, entry)
    elif ending == ".npz":
        for key, array in array_files.read_images(path, entry.shape).items():
            names = [f"{path.name}:{key}[{n}]" for n in range(len(array))]
            yield from _array(f"{path}: {key}", names, array, entry)
    elif array_files.is_idx(path):
        array = array_files.read_idx_images(path)
        yield from _array(path, [f"{path.name}[{n}]" for n in range(len(array))], array, entry)
    else:
        yield path.name, str(path), path


def _rows(path: Path, entry: DatasetEntry) -> Iterator[FoundImage]:
    names, images = tables.read_unlabeled(path, math.prod(entry.shape))
    if isinstance(images, list):
        yield from ((name, *image) for name, image in zip(names, images, strict=True))
        return
    count, side = images.shape[1], math.isqrt(images.shape[1])
    shape = entry.shape if count == math.prod(entry.shape) else (side, side)
    if math.prod(shape) != count:
        raise DataError(f"{path}: {count} pixel columns, but this model takes {_taken(entry)}")
    yield from _array(path, names, images.reshape(-1, *shape), entry)


def _array(
    place: object, names: Sequence[str], images: Pixels, entry: DatasetEntry
) -> Iterator[FoundImage]:
    """Yield the images of an array. Raise DataError if the model does not take their shape."""
    resized = entry.prepared == RESIZED and images.shape[3:] == entry.shape[2:]
    if images.shape[1:] != entry.shape and not resized:
        raise DataError(f"{place}: {sized(images.shape)}, but this model takes {_taken(entry)}")
    yield from ((name, name, image) for name, image in zip(names, images, strict=True))


def _taken(entry: DatasetEntry) -> str:
    """Return the end of an error message: the images that the model takes, and a remedy."""
    rows, columns, *rgb = entry.shape
    size = "any size" if entry.prepared == RESIZED else f"{rows} x {columns} pixels"
    return f"{'RGB' if rgb else 'gray'} images of {size}. Convert your images to this format first."


def _prepare(place: str, source: Source | Pixels, entry: DatasetEntry) -> tuple[Pixels, str]:
    """Return the pixels of an image in the model's shape, and how it was prepared."""
    strokes = entry.prepared == STROKES and entry.shape == SHAPE
    image = source if isinstance(source, np.ndarray) else decode(source, place, keep_alpha=strokes)
    channels = entry.shape[2:]
    if channels and image.ndim == 2:
        image = np.stack([image] * 3, axis=-1)
    elif not channels and image.shape[2:] == (3,) and (image == image[..., :1]).all():
        image = image[..., 0]
    if image.shape == entry.shape:
        return image, AS_IT_IS
    if strokes:
        return _normalize(place, image)
    if entry.prepared == RESIZED and image.shape[2:] == channels:
        return resize(image, *entry.shape[:2]), RESIZED
    kind = "gray" if image.ndim == 2 else "RGB"
    size = " x ".join(map(str, image.shape[:2]))
    raise DataError(f"{place}: {kind}, {size} pixels, but this model takes {_taken(entry)}")


def _normalize(place: str, image: Pixels) -> tuple[Pixels, str]:
    """Return the normalized strokes, uint8 (28, 28), of an image, and how they were prepared."""
    opened = Image.fromarray(image)
    for color in BACKGROUNDS:
        background = Image.new("RGBA", opened.size, color)
        flat = Image.alpha_composite(background, opened) if opened.mode == "RGBA" else opened
        gray = flat.convert("L")
        if np.ptp(np.asarray(gray)) >= MIN_RANGE:
            break
    try:
        found, dark = normalization.find(np.asarray(gray.reduce(-(-max(gray.size) // MAX_SIDE))))
    except DataError as error:
        raise DataError(f"{place}: {error}") from None
    return normalize(found), "inverted, centered" if dark else "centered"


def warn(images: Sequence[PreparedImage], entry: DatasetEntry) -> str:
    """Return a warning if unchanged images seem to have dark strokes on light, else "".

    A data set of pen strokes contains light strokes on black, so the border should be black.
    """
    border = np.ones(entry.shape, bool)
    border[1:-1, 1:-1] = False
    plain = [image for image in images if image.done == AS_IT_IS and entry.prepared == STROKES]
    light = [image.name for image in plain if np.median(image.pixels[border]) > MAX_PIXEL / 2]
    if not light:
        return ""
    return (
        f"{len(light)} of {len(images)} images, such as {light[0]}, have a light border, but this "
        "model expects light strokes on black. Invert dark-on-light images with `mogrify -negate`."
    )
