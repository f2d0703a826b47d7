"""The device that trains."""

import os

from softmax.errors import SettingError


def choose() -> str:
    """Pick "cpu" or "cuda", as the environment variable DEVICE says: auto, cpu or cuda.

    Raises SettingError for another word, and for cuda where torch finds no GPU for each worker.
    """
    wanted = os.environ.get("DEVICE", "auto")
    if wanted not in ("auto", "cpu", "cuda"):
        raise SettingError(f"DEVICE = {wanted!r} should be auto, cpu or cuda")
    if wanted == "cpu":
        return "cpu"
    import torch  # takes seconds, and only the question for a GPU needs it

    found, needed = torch.cuda.device_count(), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if found >= needed:
        return "cuda"
    if wanted == "cuda":
        raise SettingError(
            f"DEVICE = 'cuda', but torch finds {found} GPUs here for {needed} workers; use auto, "
            "cpu or fewer WORKERS"
        )
    return "cpu"
