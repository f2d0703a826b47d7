"""Make a data set of 530 images of 8 x 8 pixels, whose labels a linear model can learn."""

from pathlib import Path
from typing import Any

import numpy as np

from softmax.core import idx
from softmax.pipeline import files
from softmax.pipeline.datasets import FILES

NAME = "digits"
SIDE = 8
TRAINING, TEST = 500, 30


def write(directory: Path) -> None:
    """Write the four IDX files. The label sets which six pixels of an image are bright."""
    directory.mkdir(parents=True)
    random = np.random.default_rng(0)
    for name, count in {"train": TRAINING, "t10k": TEST}.items():
        labels = np.arange(count) % 10
        images = random.integers(60, size=(count, SIDE * SIDE))
        images[np.arange(count)[:, None], labels[:, None] * 6 + np.arange(6)] += 190
        write_idx(directory / f"{name}-images-idx3-ubyte", images.reshape(-1, SIDE, SIDE))
        write_idx(directory / f"{name}-labels-idx1-ubyte", labels)


def entry(directory: Path, dimensions: int = 3) -> dict[str, Any]:
    """Return the entry of datasets.yaml for the files in `directory`, with ten classes."""
    paths = [directory / file for file in FILES]
    training, test = (idx.read(path, dimensions).shape for path in paths[::2])
    return {
        "images": [training[0], test[0]],
        "shape": [*training[1:]],
        "classes": list("0123456789"),
        **{path.name: file(path) for path in paths},
    }


def file(path: Path) -> dict[str, Any]:
    """Return the MD5, SHA-256 and size of a file, as in an entry of datasets.yaml."""
    size = path.stat().st_size
    return {"md5": files.md5(path), "sha256": files.sha256(path), "size": size}


def to_idx(array: np.ndarray[Any, Any], kind: str = "u1") -> bytes:
    """Return `array` as an IDX file of uint8 or big-endian int32."""
    header = np.array([256 * {"u1": 8, ">i4": 12}[kind] + array.ndim, *array.shape], ">u4")
    return header.tobytes() + array.astype(kind).tobytes()


def write_idx(path: Path, array: np.ndarray[Any, Any]) -> None:
    """Write `array` as an IDX file of uint8."""
    path.write_bytes(to_idx(array))
