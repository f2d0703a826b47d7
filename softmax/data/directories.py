"""Read images from directories, one for each class, as torchvision's ImageFolder does.

Training and test images are in directories train and test; where these are missing, a sixth of all
is for the test, by the hash of "class/file.png".
"""

import os
import tempfile
import unicodedata
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
    RawDataset,
    Split,
    check_classes,
    check_counts,
    check_size,
    is_for_test,
    shortened,
)
from softmax.errors import DataError

TRAINING = {"train", "training", "train_set", "training_set"}  # names of directories
TEST = {"test", "testing", "test_set", "testing_set"}


class Shape(NamedTuple):
    """What all images of a data set are: rows, columns, and "L" or "RGB"."""

    rows: int
    columns: int
    colors: str


def read(place: Path, size: tuple[int, ...] | None, scratch: Path) -> RawDataset:
    """All images, as they are or in `size`; pixels are in a file in `scratch`, not in memory."""
    classes, paths, labels, others, alike = find(place)
    together = paths[0] + paths[1]
    bar = tqdm(together, "sizes", unit=" images", leave=False, disable=None)
    headers = [pixels.look(path) for path in bar]
    shape, warnings = _shape(together, headers, size), [*alike, *_odd(headers)]
    if others:
        warnings.append(f"not read, {len(others)} in all: {shortened(others)}")
    training, test = (
        Split(_decoded(part, shape, scratch), indices)
        for part, indices in zip(paths, labels, strict=True)
    )
    return RawDataset(training, test, classes, warnings)


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
    warnings: list[str]


def find(place: Path) -> Layout:
    """Return what lies in a directory; DataError unless each class has images in both sets."""
    roots = _roots(place)
    files = [_files(root) for root in roots]
    classes = sorted({name for root in roots for name in map(class_name, _directories(root))})
    check_classes(place, classes)
    images = [[file for file in part if file.name.lower().endswith(ENDINGS)] for part in files]
    if len(roots) == 1:
        relative = [_normalized(file.relative_to(place).as_posix()) for file in images[0]]
        test = [is_for_test(os.fsencode(name)) for name in relative]
        images = [[f for f, t in zip(images[0], test, strict=True) if t == k] for k in (0, 1)]
        roots *= 2
    index = {name: label for label, name in enumerate(classes)}
    labels = [
        np.array([index[class_name(file.relative_to(root).parts[0])] for file in part], np.uint16)
        for root, part in zip(roots, images, strict=True)
    ]
    check_counts(place, classes, *labels)
    beside = [] if place in roots else [d for d in _directories(place) if place / d not in roots]
    left = [file for part in files for file in part if not file.name.lower().endswith(ENDINGS)]
    others = sorted([*beside, *(file.relative_to(place).as_posix() for file in left)])
    return Layout(classes, images, labels, others, _alike(classes))


def class_name(directory: str) -> str:
    """Return the class that a directory is named after, which every machine writes alike."""
    return _normalized(directory).strip()


def _normalized(name: str) -> str:
    return unicodedata.normalize("NFC", name)  # macOS may decompose accents


def _alike(classes: list[str]) -> list[str]:
    """Return a warning for classes whose names differ by case only."""
    counts = Counter(name.casefold() for name in classes)
    alike = [name for name in classes if counts[name.casefold()] > 1]
    return [f"the names of these classes differ by case only: {shortened(alike)}"] * bool(alike)


def _roots(place: Path) -> list[Path]:
    """Return where the training and the test images lie, or `place` where all are together."""
    roots = []
    for names in (TRAINING, TEST):
        found = [d for d in _directories(place) if d.lower().replace("-", "_") in names]
        if len(found) > 1:
            raise DataError(f"{place}: {found[0]} and {found[1]} mean the same. Remove one.")
        roots += [place / name for name in found]
    if len(roots) == 1:
        wanted = "should have train and test, or neither"
        raise DataError(f"{place}: has a directory {roots[0].name}; {wanted}")
    return roots or [place]


def _directories(root: Path) -> list[str]:
    """Return the names of the directories in `root`, in order."""
    return sorted(path.name for path in root.iterdir() if path.is_dir() and _visible(path.name))


def _visible(name: str) -> bool:
    """Tell whether a file or directory is one that people made."""
    return name[0] != "." and name != "__MACOSX"


def _files(root: Path) -> list[Path]:
    """Return all files in the directories of `root`, in ImageFolder's order, each once.

    Links are followed; DataError for one that leads back.
    """
    seen: set[Path] = set()

    def once(path: Path) -> bool:
        real = path.resolve()
        if path.parent.resolve().is_relative_to(real):
            raise DataError(f"{path}: a link that leads back to {real}. Remove it.")
        known = real in seen
        seen.add(real)
        return not known

    found: list[Path] = []
    for top in _directories(root):
        walk = []
        for directory, inside, files in os.walk(root / top, followlinks=True):
            inside[:] = [d for d in sorted(inside) if _visible(d) and once(Path(directory, d))]
            walk.append((directory, files))
        found += (Path(d, file) for d, files in sorted(walk) for file in sorted(files))
    return [file for file in found if _visible(file.name)]
