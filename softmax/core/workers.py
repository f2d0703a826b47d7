"""Divide batches among workers, processes that train one model together.

Each worker computes its share of every batch. Workers exchange only sums. These are exact, so the
model does not depend on the number of workers.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from softmax.core.arrays import Array
from softmax.errors import WorkerError


class Workers(NamedTuple):
    """This worker's number `rank`, the number of workers, and the process ID of the launcher."""

    rank: int
    size: int
    launcher: int

    def share(self, position: int) -> int:
        """Return how many of the samples rank, rank + size, ... are among the first `position`."""
        return -((self.rank - position) // self.size)

    def sum(self, array: Array) -> Array:
        """Replace float64 `array` with its sum over all workers, and return it.

        Raise WorkerError if another worker or the launcher has ended.
        """
        if self.size > 1:
            import torch

            if os.getppid() != self.launcher:
                raise WorkerError(f"worker {self.rank}: its launcher ended. Run the command again.")
            with rendezvous():
                torch.distributed.all_reduce(torch.as_tensor(array))
        return array


ALONE = Workers(rank=0, size=1, launcher=0)


@contextmanager
def rendezvous() -> Iterator[None]:
    """Raise WorkerError if the block loses contact with another worker."""
    try:
        yield
    except RuntimeError:
        raise WorkerError(
            f"worker {os.environ['RANK']} lost contact with the other workers. The cause is the "
            "first error, above or on another machine. Fix it, and run the command again."
        ) from None
