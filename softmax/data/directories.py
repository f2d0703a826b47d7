"""Read images from directories, one for each class, as torchvision's ImageFolder does.

Training and test images are in directories train and test; where these are missing, a sixth of all
is for the test, by the hash of "class/file.png".
"""

import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from softmax.data import pixels
from softmax.data.pixels import ENDINGS, Header, resize
from softmax.data.raw_dataset import (
    Found,
    Part,
    check_classes,
    check_counts,
    check_size,
    is_for_test,
    shortened,
)
from softmax.errors import DataError


class Shape(NamedTuple):
    """What all images of a data set are: rows, columns, and "L" or "RGB"."""

    rows: int
    columns: int
    colors: str


def read(place: Path, size: tuple[int, ...] | None, scratch: Path) -> Found:
    """All images, as they are or in `size`; pixels are in a file in `scratch`, not in memory."""
    classes, paths, labels, others = find(place)
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
    return Shape(rows, columns, "RGB" if any(h.colors == "RGB" for h in headers) else "L")


def _odd(headers: list[Header]) -> Iterator[str]:
    """What a person may not expect of these images."""
    gray = sum(header.colors == "L" for header in headers)
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
    sides = (shape.rows, shape.columns) + ((3,) if shape.colors == "RGB" else ())
    with tempfile.TemporaryFile(dir=scratch) as file:
        images = np.memmap(file, np.uint8, "w+", shape=(len(paths), *sides))
    for k, path in enumerate(tqdm(paths, "pixels", unit=" images", leave=False, disable=None)):
        images[k] = resize(pixels.decode(path, shape.colors), shape.rows, shape.columns)
    return images


class Layout(NamedTuple):
    """The classes by label, the paths and labels of training and test images, and other files."""

    classes: list[str]
    paths: list[list[Path]]
    labels: list[NDArray[np.uint16]]
    others: list[str]


def find(place: Path) -> Layout:
    """What lies in the folder `place`; DataError unless each class has images in both sets."""
    roots = _roots(place)
    classes = sorted({name for root in roots for name in _folders(root)})
    check_classes(place, classes)
    names = [_images(root) for root in roots]
    if roots == (place, place):
        test = [is_for_test(os.fsencode(name)) for name in names[0]]
        names = [[n for n, t in zip(names[0], test, strict=True) if t == k] for k in (0, 1)]
    index = {name: label for label, name in enumerate(classes)}
    labels = [np.array([index[n.split("/")[0]] for n in part], np.uint16) for part in names]
    check_counts(place, classes, *labels)
    paths = [[root / name for name in part] for root, part in zip(roots, names, strict=True)]
    return Layout(classes, paths, labels, _others(place, roots))


def _roots(place: Path) -> tuple[Path, Path]:
    """Where the training and the test images lie; both are `place` where all are together."""
    roots = (place / "train", place / "test")
    there = [root.name for root in roots if root.is_dir()]
    if len(there) == 1:
        raise DataError(f"{place}: has a folder {there[0]}; should have train and test, or neither")
    return roots if there else (place, place)


def _folders(root: Path) -> list[str]:
    """The names of the folders in `root` that are not hidden."""
    return [path.name for path in root.iterdir() if path.is_dir() and path.name[0] != "."]


def _images(root: Path) -> list[str]:
    """The images in the folders of `root`, as "class/file.png", in ImageFolder's order."""
    return [name for name in _files(root) if name.lower().endswith(ENDINGS)]


def _files(root: Path) -> list[str]:
    """All files in the folders of `root` that are not hidden."""
    return [
        (Path(folder) / file).relative_to(root).as_posix()
        for name in sorted(_folders(root))
        for folder, _, files in sorted(os.walk(root / name, followlinks=True))
        for file in sorted(files)
        if file[0] != "."
    ]


def _others(place: Path, roots: tuple[Path, Path]) -> list[str]:
    """What is left out: files that are no images by their names, and folders beside the two."""
    beside = {place / name for name in _folders(place)} - set(roots) if place not in roots else []
    files = (root / name for root in dict.fromkeys(roots) for name in _files(root))
    left = (path for path in files if not path.name.lower().endswith(ENDINGS))
    return sorted(path.relative_to(place).as_posix() for path in (*beside, *left))
