"""The epochs of a training as tables and as final metrics."""

from collections.abc import Sequence

import pandas as pd

from softmax.training.fitting import Epoch

SNAPSHOTS = 30  # enough to watch the weights form


def losses(epochs: Sequence[Epoch]) -> pd.DataFrame:
    """A row for each reported batch: step (batches so far), epoch, batch, and its mean loss."""
    rows = [
        ((epoch.number - 1) * epoch.batches + batch, epoch.number, batch, loss)
        for epoch in epochs
        for batch, loss in epoch.batch_losses.items()
    ]
    return pd.DataFrame(rows, columns=["step", "epoch", "batch", "loss"])


def scores(epochs: Sequence[Epoch]) -> pd.DataFrame:
    """A row for each epoch: step, epoch, and its metrics."""
    return pd.DataFrame(
        [
            {"step": epoch.number * epoch.batches, "epoch": epoch.number, **metrics(epoch)}
            for epoch in epochs
        ]
    )


def snapshots(epochs: int) -> list[int]:
    """The numbers of the last epoch and of those evenly before it, SNAPSHOTS at most."""
    count = min(epochs, SNAPSHOTS)
    return [k * epochs // count for k in range(1, count + 1)]


def metrics(epoch: Epoch) -> dict[str, float]:
    """Loss and accuracy on the training set and, if any, on the held-out one after `epoch`."""
    values: dict[str, float] = {}
    for name, score in {"train": epoch.training, "validation": epoch.validation}.items():
        if score is not None:
            values |= {f"{name}_loss": score.loss, f"{name}_accuracy": score.accuracy}
    return values
