"""The device that trains."""

import os

from softmax.errors import SettingError


def choose() -> str:
    """Pick "cpu" or "cuda", as the environment variable DEVICE says: auto, cpu or cuda.

    Raises SettingError for another word, and for cuda where torch finds no GPU.
    """
    wanted = os.environ.get("DEVICE", "auto")
    if wanted not in ("auto", "cpu", "cuda"):
        raise SettingError(f"DEVICE = {wanted!r} should be auto, cpu or cuda")
    if wanted == "cpu":
        return "cpu"
    import torch  # takes seconds, and only the question for a GPU needs it

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        raise SettingError("DEVICE = 'cuda', but torch finds no GPU here; use auto or cpu")
    return "cpu"
