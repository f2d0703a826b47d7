"""Run `softmax data add` in a temporary directory, and read what it stores and prints."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from helpers import digits
from helpers.workspace import Printed, Workspace, error
from numpy.typing import NDArray
from PIL import Image

from softmax.core import idx
from softmax.pipeline import datasets

CACHE, PLACE = Path(".dvc/cache/files/md5"), Path("place")


class Imported(NamedTuple):
    """Contain classes, the arrays of the four files, and the output of an import."""

    classes: tuple[str, ...]
    arrays: list[NDArray[Any]]
    out: str
    warnings: list[str]

    def pairs(self, part: int) -> list[tuple[bytes, str]]:
        """Return the sorted (image, class) pairs of the training set (0) or the test set (1)."""
        images, labels = self.arrays[2 * part : 2 * part + 2]
        return pairs(images, [self.classes[k] for k in labels])


class Add:
    """Run `softmax data add`: add(PLACE, size="4x5")."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def __call__(self, place: object = PLACE, name: str = "mine", **options: str) -> Imported:
        """Import the data at `place`, and assert that the entry describes the cached files."""
        printed = self.run(place, name, **options)
        assert printed.status == 0, printed
        entry = datasets.load()[name]
        paths = [CACHE / file.md5[:2] / file.md5[2:] for file in entry.files]
        assert [digits.file(path) for path in paths] == [file.model_dump() for file in entry.files]
        ranks = (1 + len(entry.shape), 1) * 2
        arrays = [np.array(idx.read(*pair)) for pair in zip(paths, ranks, strict=True)]
        for count, images, labels in zip(entry.images, arrays[::2], arrays[1::2], strict=True):
            assert images.shape == (count, *entry.shape)
            assert labels.shape == (count,)
        return Imported(entry.classes, arrays, printed.out, printed.err.splitlines())

    def rejected(self, place: object, reason: str, name: str = "mine", **options: str) -> None:
        """Assert that the import fails with `reason` in one line and stores nothing."""
        before = left()
        line = error(self.run(place, name, **options))
        assert reason in line, line
        assert left() == before

    def run(self, place: object = PLACE, name: str = "mine", **options: str) -> Printed:
        """Run the command, which may fail."""
        given = [f"--{option}={value}" for option, value in options.items()]
        given = [option.replace("_", "-").removesuffix("=yes") for option in given]
        return self.workspace.tool("data add", name, place, *given)


def left() -> dict[Path, bytes]:
    """Return the content of all files that `softmax data add` may change, by path."""
    paths = [datasets.PATH, *filter(Path.is_file, CACHE.rglob("*"))]
    return {path: path.read_bytes() for path in paths}


def pairs(images: NDArray[np.uint8], labels: Any) -> list[tuple[bytes, str]]:
    """Return the sorted pairs of images, as bytes, and labels, as text."""
    return sorted(
        (image.tobytes(), str(label)) for image, label in zip(images, labels, strict=True)
    )


def noise(*shape: int, seed: int | list[int] = 0) -> NDArray[np.uint8]:
    """Return random pixels of this shape."""
    return np.random.default_rng(seed).integers(256, size=shape, dtype=np.uint8)


def saved(save: Callable[..., None], *arguments: Any, **settings: Any) -> bytes:
    """Return the bytes that `save` writes to a file."""
    file = io.BytesIO()
    save(file, *arguments, **settings)
    return file.getvalue()


def write_images(directory: Path, counts: dict[str, int], shape: tuple[int, ...] = (6, 9)) -> None:
    """Write `counts` PNGs of noise for each class, all different."""
    for name, count in counts.items():
        (directory / name).mkdir(parents=True, exist_ok=True)
        for path in (directory / name / f"{k:03}.png" for k in range(count)):
            Image.fromarray(noise(*shape, seed=[*str(path).encode()])).save(path)
