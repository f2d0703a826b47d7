"""Work with arrays of two libraries: NumPy on the CPU, and torch on a GPU.

The same code computes the same bytes with both. The CPU uses NumPy, because NumPy starts an
operation on the small arrays of a batch in half the time of torch.
"""

import csv
import mmap
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import array_api_compat
import numpy as np
from numpy.typing import NDArray

Array = Any  # numpy.ndarray or torch.Tensor
FloatArray = NDArray[np.float64]
Table = Mapping[str, NDArray[Any]]  # columns (n,) by name; pandas is slow to import

CACHE_LINE = 8  # float64 numbers
THREADED = 2048  # images in a product; with fewer, BLAS threads wait longer than they compute


def namespace(x: Array) -> Any:
    """Return the module with the functions of the array API standard for arrays like `x`.

    For NumPy, return NumPy itself: calls of array_api_compat take a tenth of a training step.
    """
    return np if isinstance(x, np.ndarray) else array_api_compat.array_namespace(x)


def to_numpy(array: Array) -> np.ndarray:
    """Return `array` as a NumPy array, copied from a GPU if necessary."""
    return array if isinstance(array, np.ndarray) else array.cpu().numpy()


def blas_threads(images: int) -> AbstractContextManager[Any]:
    """Use one BLAS thread for products of few images, unless OMP_NUM_THREADS is set."""
    from threadpoolctl import threadpool_limits

    one = images < THREADED and "OMP_NUM_THREADS" not in os.environ
    return threadpool_limits(1 if one else None, "blas")


def table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Return a table of `rows`. There must be at least one row."""
    columns = zip(*rows, strict=True)
    return {name: np.array(column) for name, column in zip(names, columns, strict=True)}


def read_csv(path: Path) -> Table:
    """Read a CSV file with a header and n >= 1 rows: columns (n,) of int64, float64 or str."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return {name: _typed(cells) for name, cells in table(header, rows).items()}


def _typed(cells: NDArray[Any]) -> NDArray[Any]:
    """Convert all cells to int64 or float64, if possible."""
    for dtype in (np.int64, np.float64):
        with suppress(ValueError):
            return cells.astype(dtype)
    return cells


def aligned(rows: int, columns: int, like: Array) -> Array:
    """Return float64 zeros on the device of `like`, with each row aligned to a cache line.

    Alignment reduces the time of NumPy's product of a batch by a third.
    """
    padded = -(-columns // CACHE_LINE) * CACHE_LINE
    if isinstance(like, np.ndarray):
        pages = mmap.mmap(-1, rows * padded * 8)  # zeros that start on a page, so on a cache line
        return np.frombuffer(pages, np.float64).reshape(rows, padded)[:, :columns]
    xp = namespace(like)
    return xp.zeros((rows, padded), dtype=xp.float64, device=like.device)[:, :columns]
