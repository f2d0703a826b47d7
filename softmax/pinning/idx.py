"""Four IDX files: from a directory, here or on a server, as they are, or of other data."""

from pathlib import Path

import numpy as np

from softmax.core import idx
from softmax.errors import DataError, SourceError
from softmax.pinning.found import Found, Part
from softmax.pipeline.catalog import CLASSES, FILES
from softmax.sources import mirror

LIMIT = 5 * 10**9  # bytes of a file: six million images of 28 x 28 pixels


def lie_at(place: str) -> bool:
    """Whether what is at `place` should be four IDX files."""
    names = (f"{file}{ending}" for file in FILES for ending in ("", ".gz"))
    return "://" in place or any(Path(place, name).exists() for name in names)


def read(place: str, folder: Path) -> Found:
    """The files, uncompressed and written to `folder`; a class is called by its label."""
    try:
        for file, content in zip(FILES, mirror.read(place, [LIMIT] * len(FILES)), strict=True):
            (folder / file).write_bytes(content)
    except SourceError as error:
        raise DataError(f"{place}: {error}") from None
    try:
        return _load(*(folder / file for file in FILES))
    except DataError as error:
        reason = str(error).partition(";")[0]  # after it: how to repair a download
        raise DataError(reason.replace(str(folder), place)) from None


def _load(*paths: Path) -> Found:
    """The images and labels in the four files, where they stay."""
    images = [idx.read(path, _dimensions(path)).view(np.uint8) for path in paths[::2]]
    labels = [idx.read(path, 1) for path in paths[1::2]]
    first, last = min(part.min() for part in labels), max(part.max() for part in labels)
    if first < 0 or last >= CLASSES:
        raise DataError(
            f"{paths[0].parent}: labels {first} to {last}, allowed are 0 to {CLASSES - 1}"
        )
    training, test = (Part(*pair) for pair in zip(images, labels, strict=True))
    return Found(training, test, list(map(str, range(last + 1))))


def _dimensions(path: Path) -> int:
    """4 of RGB images, as the header says, else 3."""
    with path.open("rb") as file:
        return 4 if file.read(4)[3:] == b"\4" else 3


def write(found: Found, folder: Path) -> None:
    """Write the data to `folder` as four IDX files."""
    kind = np.uint8 if len(found.classes) <= 256 else ">i4"
    for part, names in zip((found.training, found.test), (FILES[:2], FILES[2:]), strict=True):
        for name, array in zip(names, (part.images, part.labels.astype(kind)), strict=True):
            with (folder / name).open("wb") as file:
                file.write(idx.header(array))
                array.tofile(file)
