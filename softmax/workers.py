"""Workers: processes that train together, on one machine or several.

Each takes its share of every batch. Only sums cross from worker to worker, and as these are exact,
the model does not depend on how many there are.
"""

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from softmax import files
from softmax.arrays import Array
from softmax.errors import SettingError, WorkerError
from softmax.params import Train

PATIENCE = timedelta(minutes=5)  # with a worker that says nothing


class Workers(NamedTuple):
    """This process, number `rank` of `size` that train together."""

    rank: int
    size: int

    def share(self, position: int) -> int:
        """How many of the samples 0 ... position-1 are this worker's: rank, rank + size, ..."""
        return -((self.rank - position) // self.size)

    def sum(self, array: Array) -> Array:
        """Replace float64 `array` by its sum over all workers; return it.

        Raises WorkerError if one of them is gone.
        """
        if self.size > 1:
            import torch

            try:
                torch.distributed.all_reduce(torch.as_tensor(array))
            except RuntimeError:
                raise WorkerError(f"worker {self.rank} lost the others") from None
        return array

    def agree(self, params: Train, inputs: Iterable[Path]) -> None:
        """Check that all workers have the same params and the same files; WorkerError if not."""
        if self.size > 1:
            import torch

            mine = f"{params} {[files.sha256(path) for path in inputs]}"
            facts: list[str] = [""] * self.size
            torch.distributed.all_gather_object(facts, mine)
            if others := [rank for rank, fact in enumerate(facts) if fact != facts[0]]:
                raise WorkerError(
                    f"worker {others[0]} has other params or data than worker 0; give each "
                    "machine the same commit and run `dvc repro download` there"
                )


ALONE = Workers(rank=0, size=1)


def wanted() -> int | None:
    """The number of workers that the environment variable WORKERS asks for, if it does.

    None in a process that is a worker. Raises SettingError unless it is a positive integer.
    """
    text = os.environ.get("WORKERS")
    if text is None or "RANK" in os.environ:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise SettingError(f"WORKERS = {text!r} should be a whole number of at least 1")
    return int(text)


def launch(module: str, count: int) -> None:
    """Run `module` in `count` workers with torchrun, whose PET_* variables add other machines.

    Raises WorkerError if one of them fails; torchrun has then ended the others.
    """
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    os.environ.setdefault("OMP_NUM_THREADS", "1")  # torchrun does so too, in many words
    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL)  # our one line says it
    here = [] if "PET_NNODES" in os.environ else ["--standalone"]
    command = [*here, f"--nproc-per-node={count}", "--module", module]
    try:
        run.run(run.parse_args(command))  # type: ignore[no-untyped-call]
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        end = failure.signal_name() if failure.exitcode < 0 else f"status {failure.exitcode}"
        raise WorkerError(f"worker {rank} ended with {end}; no output was written") from None
    except SignalException as error:
        raise KeyboardInterrupt from error


@contextmanager
def join(device: str) -> Iterator[Workers]:
    """Meet the workers that torchrun started with this one, for sums on `device`.

    Without torchrun a process works alone.
    """
    if "RANK" not in os.environ:
        yield ALONE
        return
    import torch

    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    torch.distributed.init_process_group("nccl" if device == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield Workers(torch.distributed.get_rank(), torch.distributed.get_world_size())
    finally:
        torch.distributed.destroy_process_group()
