"""Where images lie: in one folder for each class, as torchvision's ImageFolder has them.

Training and test images are in folders train and test; where these are not, a sixth of all is for
the test, by the hash of "class/file.png".
"""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax.errors import DataError
from softmax.pinning.found import check_classes, check_counts
from softmax.pinning.pixels import ENDINGS
from softmax.pinning.splitting import is_for_test


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
