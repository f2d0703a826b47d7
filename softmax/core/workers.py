"""Workers: processes that train together.

Each takes its share of every batch. Only sums cross from worker to worker, and as these are exact,
the model does not depend on how many there are.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from softmax.core.arrays import Array
from softmax.errors import WorkerError


class Workers(NamedTuple):
    """This process, number `rank` of `size` that train together, started by process `launcher`."""

    rank: int
    size: int
    launcher: int

    def share(self, position: int) -> int:
        """How many of the samples 0 ... position-1 are this worker's: rank, rank + size, ..."""
        return -((self.rank - position) // self.size)

    def sum(self, array: Array) -> Array:
        """Replace float64 `array` by its sum over all workers; return it.

        Raises WorkerError if one of them or the launcher is gone.
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
    """Raise WorkerError, in one line, where another worker is gone; its own machine knows why."""
    try:
        yield
    except RuntimeError:
        raise WorkerError(
            f"worker {os.environ['RANK']} lost contact with the other workers. The first error "
            "above is the cause."
        ) from None
