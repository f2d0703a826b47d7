"""The device that trains."""

import ctypes
import os
from contextlib import suppress

from softmax.errors import SettingError

DRIVERS = ("libcuda.so.1", "libamdhip64.so")  # without one torch finds no GPU


def choose() -> str:
    """Pick "cpu" or "cuda", as the environment variable DEVICE says: auto, cpu or cuda.

    Raises SettingError for another word, and for cuda where torch finds no GPU for each worker.
    """
    wanted = os.environ.get("DEVICE") or "auto"  # empty where CI does not know the variable
    if wanted not in ("auto", "cpu", "cuda"):
        raise SettingError(f"DEVICE = {wanted!r} should be auto, cpu or cuda")
    if wanted == "cpu" or (wanted == "auto" and not any(map(loads, DRIVERS))):
        return "cpu"
    import torch  # takes seconds

    found, needed = torch.cuda.device_count(), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if found >= needed:
        return "cuda"
    if wanted == "cuda":
        raise SettingError(
            f"DEVICE = 'cuda', but torch finds {found} GPUs here for {needed} workers; use auto, "
            "cpu or fewer WORKERS"
        )
    return "cpu"


def loads(library: str) -> bool:
    """Whether this machine has a library of this name."""
    with suppress(OSError):
        return bool(ctypes.CDLL(library))
    return False
