"""Workers: processes that train together, on one machine or several.

Each takes its share of every batch. Only sums cross from worker to worker, and as these are exact,
the model does not depend on how many there are.
"""

import logging
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from softmax import files
from softmax.arrays import Array
from softmax.errors import SettingError, WorkerError
from softmax.params import Train

PATIENCE = timedelta(minutes=5)  # with workers that say nothing
TORCHRUN = "TORCHELASTIC_RUN_ID"  # torchrun gives it to its workers


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
                raise WorkerError(f"worker {self.rank} lost its launcher")
            with _meeting():
                torch.distributed.all_reduce(torch.as_tensor(array))
        return array

    def agree(self, params: Train, inputs: Iterable[Path]) -> None:
        """Check that all workers have the same params, code and files; WorkerError if not."""
        if self.size > 1:
            import torch

            code = sorted(Path(__file__).parent.glob("*.py"))
            mine = f"{params} {[files.sha256(path) for path in [*code, *inputs]]}"
            facts: list[str] = [""] * self.size
            with _meeting():
                torch.distributed.all_gather_object(facts, mine)
            if others := [rank for rank, fact in enumerate(facts) if fact != facts[0]]:
                raise WorkerError(
                    f"worker {others[0]} has other params, code or data than worker 0; give each "
                    "machine the same commit and run `dvc repro download` there"
                )


ALONE = Workers(rank=0, size=1, launcher=0)


def wanted() -> int | None:
    """The number of workers that the environment variable WORKERS asks for, if it does.

    None in a process that is a worker. Raises SettingError unless it is a positive integer, and
    where torchrun's PET_NNODES asks for several machines without it.
    """
    text = os.environ.get("WORKERS")
    if TORCHRUN in os.environ:
        return None
    if text is None:
        if "PET_NNODES" in os.environ:
            raise SettingError("PET_NNODES is set without WORKERS, the workers of this machine")
        return None
    if not text.isdecimal() or int(text) < 1:
        raise SettingError(f"WORKERS = {text!r} should be a whole number of at least 1")
    return int(text)


def launch(module: str, count: int) -> None:
    """Run `module` in `count` workers with torchrun, whose PET_* variables add other machines.

    Raises WorkerError if the machines do not meet or a worker is killed; exits with the status of
    a worker that has said why it failed. torchrun has then ended the others.
    """
    from torch.distributed import DistError, run
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    os.environ.setdefault("OMP_NUM_THREADS", "1")  # torchrun does so too, in many words
    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL)  # our one line says it
    several = "PET_NNODES" in os.environ
    if several:
        os.environ.setdefault("PET_RDZV_CONF", f"timeout={PATIENCE.seconds}")
        print(f"{module}: waiting for the other machines", file=sys.stderr)
    command = [*([] if several else ["--standalone"]), f"--nproc-per-node={count}", "-m", module]
    try:
        run.run(run.parse_args(command))  # type: ignore[no-untyped-call]
    except DistError as error:
        raise WorkerError(f"the machines did not meet: {str(error).splitlines()[0]}") from None
    except SignalException as error:
        sys.exit(128 + error.sigval)
    except ChildFailedError as error:
        for rank, failure in error.failures.items():
            if failure.exitcode < 0:
                end = failure.signal_name()
                raise WorkerError(f"worker {rank} ended with {end}; run again") from None
        _, first = error.get_first_failure()
        sys.exit(first.exitcode)


@contextmanager
def join(device: str) -> Iterator[Workers]:
    """Meet the workers that torchrun started with this one, for sums on `device`.

    Without torchrun a process works alone. Raises WorkerError if they do not meet.
    """
    if TORCHRUN not in os.environ:
        yield ALONE
        return
    import torch

    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    backend = "nccl" if device == "cuda" else "gloo"
    launcher = os.getppid()
    with _meeting():
        torch.distributed.init_process_group(backend, timeout=PATIENCE)
    try:
        rank, size = torch.distributed.get_rank(), torch.distributed.get_world_size()
        yield Workers(rank, size, launcher)
    finally:
        torch.distributed.destroy_process_group()


@contextmanager
def _meeting() -> Iterator[None]:
    """Say in one line that another worker is gone; its own machine knows why."""
    try:
        yield
    except RuntimeError:
        raise WorkerError(f"worker {os.environ['RANK']} lost the others") from None
