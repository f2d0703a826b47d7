"""Wait for processes that are not children of the test."""

import time
from collections.abc import Sequence

import psutil


def wait_until_ended(processes: Sequence[psutil.Process], seconds: float) -> None:
    """Fail unless all processes end within `seconds`.

    psutil.wait_procs would wait for zombies, too, which stay in containers without an init process.
    """
    end = time.monotonic() + seconds
    while running := [process for process in processes if _runs(process)]:
        assert time.monotonic() < end, running
        time.sleep(0.1)


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
