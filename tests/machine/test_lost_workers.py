"""How a training of several workers ends that cannot go on, and that nothing is left of it."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from machine.launched import (  # noqa: F401 (fixtures)
    FACTS,
    SETTINGS,
    TRAIN,
    _alone,
    _known,
    facts,
    start,
    succeed,
)
from old_fixtures import Workspace

LATE = """
import os
import time
from softmax.errors import DataError, exits_cleanly

@exits_cleanly
def main():
    if os.environ["LOCAL_RANK"] == os.environ["LATE"]:
        time.sleep(1)
    raise DataError("no data")

main()
"""
APART = {"WORKERS": "2", "PYTHON_EXEC": sys.executable}  # no forks, which have other parents


def training_workers(launcher: subprocess.Popen[str], count: int = 3) -> list[psutil.Process]:
    """What the launcher started as its workers, by rank, once all of them are connected."""
    while launcher.poll() is None:
        here = [process for process in psutil.process_iter() if is_here(process)]
        if sum(map(is_connected, here)) == 1 + count:
            return sorted(filter(rank, here), key=rank)
        time.sleep(0.1)
    raise AssertionError(launcher.communicate()[1])


def is_here(process: psutil.Process) -> bool:
    """Whether it works in this folder; these tests do, too, and may be connected to a server."""
    with suppress(psutil.Error):  # of another user, or gone by now
        return process.pid != os.getpid() and process.cwd() == str(Path.cwd())
    return False


def is_connected(process: psutil.Process) -> bool:
    """Whether it is a worker that has met others, or the launcher, where they meet."""
    with suppress(psutil.Error):
        return len(process.net_connections("tcp")) > 2
    return False


def rank(process: psutil.Process) -> str:
    """That of a worker; of any other none."""
    with suppress(psutil.Error):
        if "stages.train" in process.cmdline():
            return process.environ().get("RANK", "")
    return ""


def test_workers_without_their_launcher_stop(workspace: Workspace) -> None:
    workspace(train=SETTINGS | {"epochs": 10**6})
    launcher = start(TRAIN, **APART)
    found = training_workers(launcher, 2)
    launcher.kill()

    assert psutil.wait_procs(found, timeout=60)[1] == []
    assert not any(path.exists() for path in FACTS)


@pytest.mark.parametrize("victim", [0, 2])
def test_a_dead_worker_ends_the_job_and_leaves_nothing(
    alone: list[bytes], victim: int, workspace: Workspace
) -> None:
    workspace(train=SETTINGS | {"epochs": 10**6})
    process = start(TRAIN, WORKERS="3")
    training_workers(process)[victim].kill()
    out, err = process.communicate()

    assert process.returncode == 2
    assert f"error: worker {victim} ended with SIGKILL; run again" in err
    assert "Traceback" not in out + err
    assert not any(path.exists() for path in FACTS)

    workspace(train=SETTINGS)
    succeed(start(TRAIN, WORKERS="3"))
    assert facts() == alone


def test_ctrl_c_ends_all_workers(workspace: Workspace) -> None:
    workspace(train=SETTINGS | {"epochs": 10**6})
    launcher = start(TRAIN, **APART)
    found = training_workers(launcher, 2)
    launcher.send_signal(signal.SIGINT)

    assert "Traceback" not in launcher.communicate()[1]
    assert launcher.returncode == 130
    assert not any(worker.is_running() for worker in found)
    assert not any(path.exists() for path in FACTS)


def test_what_all_workers_meet_is_said_once(workspace: Workspace) -> None:
    workspace(train=SETTINGS | {"learning_rate": 1e9})
    launcher = start(TRAIN, WORKERS="3")

    assert launcher.communicate()[1].count("lower train.learning_rate") == 1
    assert launcher.returncode == 2


@pytest.mark.parametrize("late", ["0", "1"])
def test_it_is_said_once_whoever_meets_it_late(late: str, tmp_path: Path) -> None:
    """Also where the one that speaks for all would be ended before it did."""
    (tmp_path / "late.py").write_text(LATE)
    launch = "from softmax.machine import torchrun; torchrun.launch('late', 2)"
    launcher = start(["python", "-c", launch], tmp_path, LATE=late, WORKERS="2")

    assert launcher.communicate()[1] == "error: no data\n"
    assert launcher.returncode == 2
