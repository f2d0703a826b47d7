"""Share batches among workers, processes that train together.

Each takes its share of every batch. Only sums pass between workers. They are exact, so the model
does not depend on the number of workers.
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
        """Count this worker's samples (rank, rank + size, ...) among 0 ... position-1."""
        return -((self.rank - position) // self.size)

    def sum(self, array: Array) -> Array:
        """Replace float64 `array` by its sum over all workers; return it.

        Raises WorkerError if another worker or the launcher has ended.
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
    """Raise WorkerError if another worker has ended; its own machine prints the cause."""
    try:
        yield
    except RuntimeError:
        raise WorkerError(
            f"worker {os.environ['RANK']} lost contact with the other workers. The first error "
            "above is the cause."
        ) from None
