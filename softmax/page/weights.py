"""The facts about the weights: those of the model, how they formed, and which never could."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax.core.arrays import FloatArray
from softmax.page.packing import doubles

EPOCHS = 8  # whose weights are shown, besides the start
ROOM = 2_000_000  # characters for all of them, which are about 430,000 weights


def weights(
    theta: FloatArray, thetas: dict[int, FloatArray], listed: list[int], training: NDArray[np.uint8]
) -> dict[str, Any]:
    """The facts about theta, and thetas by epoch, from 0, with images (n, pixels) of training.

    theta is None if there is no room for it, and so is forming, the rows of the classes `listed`.
    """
    packed = doubles(theta)
    fits = len(packed) <= ROOM
    dark = np.flatnonzero(training.max(axis=0) == 0)
    before, after = thetas[min(thetas)][:, dark], theta[:, dark]
    return {
        "theta": packed if fits else None,
        "forming": _forming(thetas, listed, ROOM - len(packed) * fits),
        "dark": {"count": dark.size, "total": after.size, "kept": int((before == after).sum())},
    }


def _forming(thetas: dict[int, FloatArray], listed: list[int], room: int) -> dict[str, Any] | None:
    """theta as the training began, and after epochs, evenly to the last one."""
    start, *others = sorted(thetas)
    each = len(doubles(thetas[others[-1]][listed]))
    count = min(len(others), EPOCHS, room // each - 1)
    if count < 1:
        return None
    epochs = [start, *(others[k * len(others) // count - 1] for k in range(1, count + 1))]
    return {"epochs": epochs, "thetas": doubles(np.stack([thetas[n][listed] for n in epochs]))}
