"""Arrays of two libraries: NumPy's on the CPU, torch's on a GPU.

The same code computes with both and gives the same bytes. For the small arrays of a batch, NumPy
starts an operation in half the time that torch needs.
"""

import mmap
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import array_api_compat
import numpy as np
from numpy.typing import NDArray

Array = Any  # numpy.ndarray or torch.Tensor
FloatArray = NDArray[np.float64]
Table = Mapping[str, NDArray[Any]]  # columns (n,) by name; pandas would take long to import

CACHE_LINE = 8  # float64
THREADED = 2048  # images of a product, below which threads of BLAS wait longer than they compute


def namespace(x: Array) -> Any:
    """Return the functions of the array API standard for arrays like `x`.

    NumPy is its own namespace: a call of array_api_compat takes a tenth of a training step.
    """
    return np if isinstance(x, np.ndarray) else array_api_compat.array_namespace(x)


def to_numpy(array: Array) -> np.ndarray:
    return array if isinstance(array, np.ndarray) else array.cpu().numpy()


def blas_threads(images: int) -> AbstractContextManager[Any]:
    """Use one thread of BLAS for products of few images; where it is set, OMP_NUM_THREADS rules."""
    from threadpoolctl import threadpool_limits

    one = images < THREADED and "OMP_NUM_THREADS" not in os.environ
    return threadpool_limits(1 if one else None, "blas")


def table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Return a table of these rows, at least one."""
    columns = zip(*rows, strict=True)
    return {name: np.array(column) for name, column in zip(names, columns, strict=True)}


def aligned(rows: int, columns: int, like: Array) -> Array:
    """Return float64 zeros on the device of `like`, whose rows begin on cache lines.

    NumPy multiplies such matrices of a batch in two thirds of the time.
    """
    padded = -(-columns // CACHE_LINE) * CACHE_LINE
    if isinstance(like, np.ndarray):
        pages = mmap.mmap(-1, rows * padded * 8)
        return np.frombuffer(pages, np.float64).reshape(rows, padded)[:, :columns]
    xp = namespace(like)
    return xp.zeros((rows, padded), dtype=xp.float64, device=like.device)[:, :columns]
