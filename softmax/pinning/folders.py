"""The images of folders, decoded, of one size and one kind."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from softmax.errors import DataError
from softmax.pinning import layout, pixels
from softmax.pinning.found import Found, Part, check_size, shortened
from softmax.pinning.pixels import Header
from softmax.pinning.resizing import resize


class Shape(NamedTuple):
    """What all images of a data set are: rows, columns, and "L" or "RGB"."""

    rows: int
    columns: int
    colours: str


def read(place: Path, size: tuple[int, ...] | None, scratch: Path) -> Found:
    """All images, as they are or in `size`; pixels are in a file in `scratch`, not in memory."""
    classes, paths, labels, others = layout.find(place)
    together = paths[0] + paths[1]
    bar = tqdm(together, "sizes", unit=" images", leave=False, disable=None)
    headers = [pixels.look(path) for path in bar]
    shape, warnings = _shape(together, headers, size), list(_odd(headers))
    if others:
        warnings.append(f"not read, {len(others)} in all: {shortened(others)}")
    training, test = (
        Part(_decoded(part, shape, scratch), indices)
        for part, indices in zip(paths, labels, strict=True)
    )
    return Found(training, test, classes, warnings)


def _shape(paths: list[Path], headers: list[Header], size: tuple[int, ...] | None) -> Shape:
    """The shape of all images, or the one that they will have; DataError if sizes differ."""
    sizes = [header.size for header in headers]
    (usual, count), *others = Counter(sizes).most_common()
    if others and not size:
        (rows, columns), _ = others[0]
        raise DataError(
            f"{paths[sizes.index((rows, columns))]}: {rows} x {columns} pixels, where {count} of "
            f"{len(paths)} images have {usual[0]} x {usual[1]}; {1 + len(others)} sizes in all, "
            "--size 28x28 makes one"
        )
    rows, columns = size or usual
    check_size(paths[sizes.index(usual)], rows, columns)
    return Shape(rows, columns, "RGB" if any(h.colours == "RGB" for h in headers) else "L")


def _odd(headers: list[Header]) -> Iterator[str]:
    """What a person may not expect of these images."""
    gray = sum(header.colours == "L" for header in headers)
    turned = sum(header.turned for header in headers)
    if 0 < gray < len(headers):
        yield f"{gray} of {len(headers)} images are gray; they are RGB from now on"
    if turned:
        yield (
            f"{turned} of {len(headers)} images are shown turned, by EXIF, and pinned as they are "
            "stored; `mogrify -auto-orient` turns them"
        )


def _decoded(paths: Sequence[Path], shape: Shape, scratch: Path) -> NDArray[np.uint8]:
    """The pixels of the images, uint8 (n, rows, columns) or (n, rows, columns, 3)."""
    sides = (shape.rows, shape.columns) + ((3,) if shape.colours == "RGB" else ())
    with tempfile.TemporaryFile(dir=scratch) as file:
        images = np.memmap(file, np.uint8, "w+", shape=(len(paths), *sides))
    for k, path in enumerate(tqdm(paths, "pixels", unit=" images", leave=False, disable=None)):
        images[k] = resize(pixels.decode(path, shape.colours), shape.rows, shape.columns)
    return images
