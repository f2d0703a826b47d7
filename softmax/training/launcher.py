"""Start workers with torchrun, on one or several machines, and choose the device."""

import ctypes
import hashlib
import logging
import math
import os
import signal
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from softmax.core.workers import ALONE, Workers, rendezvous
from softmax.errors import EnvironmentVariableError, WorkerError

TIMEOUT = timedelta(minutes=5)  # for workers that do not respond
QUOTA = Path("/sys/fs/cgroup/cpu.max")  # a container's quota of CPU time, and its period
TORCHRUN = "TORCHELASTIC_RUN_ID"  # torchrun sets this variable for its workers
ONE_MACHINE = ["--standalone", "--local-addr=localhost"]  # the host name may not resolve
DRIVERS = ("libcuda.so.1", "libamdhip64.so")  # torch finds no GPU unless one of these exists


def wanted() -> int | None:
    """Return the environment variable WORKERS, or None if it is not set or this is a worker.

    Raise EnvironmentVariableError if WORKERS is not a positive integer, or if it is not set while
    torchrun's PET_NNODES requests several machines.
    """
    text = os.environ.get("WORKERS")  # empty if CI does not define the variable
    if TORCHRUN in os.environ or not (text or "PET_NNODES" in os.environ):
        return None
    if not text:
        raise EnvironmentVariableError(
            "PET_NNODES is set without WORKERS. Set WORKERS on each machine."
        )
    if not text.isdecimal() or int(text) < 1:
        raise EnvironmentVariableError(f"WORKERS = {text!r} should be a positive integer")
    return int(text)


def cpus() -> int:
    """Return how many CPUs this process may use, by its affinity and the container's quota."""
    count = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # no quota, or "max"
        quota, period = QUOTA.read_text().split()
        count = min(count, math.ceil(int(quota) / int(period)))
    return count


def launch(module: str, count: int) -> None:
    """Run `module` in `count` workers with torchrun, whose PET_* variables add other machines.

    Raise WorkerError if the workers cannot connect or one is killed. If a worker prints an error,
    torchrun ends the other workers, and this process exits with the status of the failed worker.
    """
    from torch.distributed import DistError, run
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    os.environ.setdefault("OMP_NUM_THREADS", "1")  # torchrun's default, without its warning
    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL)  # WorkerError is shorter
    several = "PET_NNODES" in os.environ
    if several:
        os.environ.setdefault("PET_RDZV_CONF", f"timeout={TIMEOUT.seconds}")
        print(f"{module}: waiting for the other machines", file=sys.stderr)
    else:
        _check_loopback()
    command = [*([] if several else ONE_MACHINE), f"--nproc-per-node={count}", "-m", module]
    try:
        with TemporaryDirectory() as logs:  # torchrun does not delete its default directory
            run.run(run.parse_args([f"--log-dir={logs}", *command]))  # type: ignore[no-untyped-call]
    except DistError as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise WorkerError(
            f"the machines did not connect: {reason}. Check PET_MASTER_ADDR and GLOO_SOCKET_IFNAME."
        ) from None
    except SignalException as error:
        sys.exit(128 + error.sigval)
    except ChildFailedError as error:
        # A killed worker is the likely cause. Workers that torchrun ended with SIGTERM come last.
        rank, failure = min(
            error.failures.items(),
            key=lambda item: (item[1].exitcode == -signal.SIGTERM, item[1].exitcode >= 0, item[0]),
        )
        if failure.exitcode < 0:
            end = failure.signal_name()
            raise WorkerError(f"worker {rank} ended with {end}. Run the command again.") from None
        sys.exit(failure.exitcode)


def _check_loopback() -> None:
    """Raise WorkerError if localhost does not work, because torchrun would retry for minutes."""
    try:
        with socket.create_server(("localhost", 0)) as server:
            socket.create_connection(server.getsockname()).close()
    except OSError as error:
        raise WorkerError(
            f"localhost: workers cannot connect to it: {error.strerror}. Start the network "
            "interface with `ip link set lo up`."
        ) from None


@contextmanager
def join(device: str) -> Iterator[Workers]:
    """Connect this worker to the other workers of torchrun, for sums on `device`.

    Without torchrun, yield ALONE. Raise WorkerError if the connection fails.
    """
    if TORCHRUN not in os.environ:
        yield ALONE
        return
    import torch

    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    backend = "nccl" if device == "cuda" else "gloo"
    launcher = os.getppid()
    with rendezvous():
        torch.distributed.init_process_group(backend, timeout=TIMEOUT)
    try:
        rank, size = torch.distributed.get_rank(), torch.distributed.get_world_size()
        yield Workers(rank, size, launcher)
    finally:
        torch.distributed.destroy_process_group()


def agree(workers: Workers, params: object, inputs: Iterable[Path]) -> None:
    """Raise WorkerError unless all workers have the same params, code and input files."""
    if workers.size > 1:
        import torch

        digest = hashlib.sha256(str(params).encode())
        for path in [*sorted(Path(__file__).parents[1].rglob("*.py")), *inputs]:
            digest.update(path.read_bytes())
        digests: list[str] = [""] * workers.size
        with rendezvous():
            torch.distributed.all_gather_object(digests, digest.hexdigest())
        if different := [rank for rank, digest in enumerate(digests) if digest != digests[0]]:
            raise WorkerError(
                f"worker {different[0]} differs from worker 0 in params, code or data. Check out "
                "the same commit on each machine, and run `dvc repro download` on each."
            )


def choose() -> str:
    """Return "cpu" or "cuda", according to the environment variable DEVICE: auto, cpu or cuda.

    Raise EnvironmentVariableError for other values, and for cuda with fewer GPUs than workers.
    """
    wanted = os.environ.get("DEVICE") or "auto"  # empty if CI does not define the variable
    if wanted not in ("auto", "cpu", "cuda"):
        raise EnvironmentVariableError(f"DEVICE = {wanted!r} should be auto, cpu or cuda")
    possible = find_spec("torch") and any(map(loads, DRIVERS))
    if wanted == "cpu" or (wanted == "auto" and not possible):
        return "cpu"
    import torch  # takes seconds

    found, needed = torch.cuda.device_count(), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if found < needed and wanted == "cuda":
        raise EnvironmentVariableError(
            f"DEVICE = 'cuda' needs one GPU per worker: {needed} needed, {found} found. Use "
            "DEVICE=auto, or lower WORKERS if it is set."
        )
    return "cuda" if found >= needed else "cpu"


def loads(library: str) -> bool:
    """Return whether this machine can load the shared library."""
    with suppress(OSError):
        return bool(ctypes.CDLL(library))
    return False
