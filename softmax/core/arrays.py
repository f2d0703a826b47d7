"""Arrays of two libraries: NumPy's on the CPU, torch's on a GPU.

The same code computes with both, and gets the same bytes. On the small arrays of a batch NumPy
starts an operation in half the time that torch takes.
"""

import mmap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import array_api_compat
import numpy as np
from numpy.typing import NDArray

Array = Any  # numpy.ndarray or torch.Tensor
FloatArray = NDArray[np.float64]
Table = Mapping[str, NDArray[Any]]  # columns (n,) by name; importing pandas takes long for a stage

CACHE_LINE = 8  # float64


def namespace(x: Array) -> Any:
    """The functions of the array API standard for arrays like `x`.

    NumPy is its own namespace; asking array_api_compat costs a tenth of a training step.
    """
    return np if isinstance(x, np.ndarray) else array_api_compat.array_namespace(x)


def upload(array: np.ndarray, device: str) -> Array:
    """`array` where `device`, "cpu" or "cuda", computes."""
    if device == "cpu":
        return array
    import torch

    return torch.asarray(array, device=device)


def to_numpy(array: Array) -> np.ndarray:
    """`array` as a NumPy array."""
    return array if isinstance(array, np.ndarray) else array.cpu().numpy()


def table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Return the columns of one row or more."""
    columns = zip(*rows, strict=True)
    return {name: np.array(column) for name, column in zip(names, columns, strict=True)}


def aligned(rows: int, columns: int, like: Array) -> Array:
    """A float64 array of zeros beside `like`, whose rows begin on cache lines.

    NumPy multiplied such matrices of a batch in two thirds of the time.
    """
    padded = -(-columns // CACHE_LINE) * CACHE_LINE
    if isinstance(like, np.ndarray):
        pages = mmap.mmap(-1, rows * padded * 8)
        return np.frombuffer(pages, np.float64).reshape(rows, padded)[:, :columns]
    xp = namespace(like)
    return xp.zeros((rows, padded), dtype=xp.float64, device=like.device)[:, :columns]
