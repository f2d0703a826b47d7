"""Reads places as `make pin` does."""

import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from softmax.core import data
from softmax.errors import DataError
from softmax.pinning import reading
from softmax.pinning.found import Found
from softmax.pipeline.catalog import FILES

RANDOM = np.random.default_rng(0)


def read(place: Path | str, name: str = "mine", **options: Any) -> tuple[Found, list[np.ndarray]]:
    """What lies at `place`, and the arrays in the files that were made of it."""
    with tempfile.TemporaryDirectory() as folder:
        found = reading.read(name, str(place), reading.Options(**options), Path(folder))
        rank = found.training.images.ndim
        ranks = (rank, 1, rank, 1)
        paths = [Path(folder) / file for file in FILES]
        return found, [np.array(data.read_idx(*pair)) for pair in zip(paths, ranks, strict=True)]


def refused(place: Path | str, reason: str, **options: Any) -> None:
    """Assert that it is refused in one line, in which the `reason` stands."""
    with pytest.raises(DataError, match=re.escape(reason)) as caught:
        read(place, **options)
    assert "\n" not in str(caught.value)


def write_images(folder: Path, counts: dict[str, int], shape: tuple[int, ...] = (6, 9)) -> None:
    """Write so many PNGs of noise for each class."""
    for name, count in counts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for k in range(count):
            pixels = RANDOM.integers(256, size=shape, dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{k:03}.png")
