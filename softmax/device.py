"""Where training runs: NumPy on the CPU, torch on a GPU. The bytes are the same.

On the small arrays of a batch NumPy starts an operation in half the time that torch takes.
"""

import mmap
import os

import numpy as np
from array_api_compat import array_namespace, is_torch_array

from softmax.arithmetic import Array
from softmax.errors import SettingError

CPU, CUDA = "cpu", "cuda"


def choose() -> str:
    """The device that the environment variable DEVICE asks for: auto, cpu or cuda.

    Raises SettingError for another word, and for cuda where torch finds no GPU.
    """
    wanted = os.environ.get("DEVICE", "auto")
    if wanted not in ("auto", CPU, CUDA):
        raise SettingError(f"DEVICE = {wanted!r} should be auto, cpu or cuda")
    if wanted == CPU:
        return CPU
    import torch  # takes seconds, and only the question for a GPU needs it

    if torch.cuda.is_available():
        return CUDA
    if wanted == CUDA:
        raise SettingError("DEVICE = 'cuda', but torch finds no GPU here; use auto or cpu")
    return CPU


def upload(array: np.ndarray, device: str) -> Array:
    """`array` as an array of the library that computes on `device`."""
    if device == CPU:
        return array
    import torch

    return torch.asarray(array, device=device)


def download(array: Array) -> np.ndarray:
    """`array` as a NumPy array."""
    return array.cpu().numpy() if is_torch_array(array) else array


def aligned(rows: int, columns: int, like: Array) -> Array:
    """A float64 array of zeros beside `like`, whose rows begin on cache lines of 64 bytes.

    Matrix products of such rows took NumPy a third less time (benchmarks/lecture.py).
    """
    padded = -(-columns // 8) * 8
    if is_torch_array(like):
        xp = array_namespace(like)
        return xp.zeros((rows, padded), dtype=xp.float64, device=like.device)[:, :columns]
    pages = mmap.mmap(-1, rows * padded * 8)
    return np.frombuffer(pages, np.float64).reshape(rows, padded)[:, :columns]
