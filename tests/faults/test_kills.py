"""SIGKILL to real processes: the next `make repro` gives the same bytes and leaves nothing over."""

import os
import signal
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest
from helpers.clones import digits_clone

PATIENCE = 60  # seconds for what is to end by itself, on a busy machine


def processes(directory: Path, name: str = "") -> list[psutil.Process]:
    """Return the processes that run in `directory`, all or the Pythons that run `name`."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # it has ended, or is another user's
            line = process.cmdline()
            if Path(process.cwd()).is_relative_to(directory) and (
                not name or (name in line and "python" in line[0])
            ):
                found.append(process)
    return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.extended
@pytest.mark.parametrize(
    ("killed", "stage", "seconds"),
    [("all", "train", 0.2), ("DVC", "train", 1.0), ("the stage", "lesson", 1.5)],
)
def test_a_kill_loses_nothing(killed: str, stage: str, seconds: float, tmp_path: Path) -> None:
    """Kill DVC with its stage, DVC alone, without which the stage goes on, or the stage alone."""
    clone = digits_clone(tmp_path / "clone")
    dvc = clone.start("dvc", "repro", "--force", "--single-item", stage)
    while not (running := processes(clone.directory, f"stages.{stage}")):
        assert dvc.poll() is None, dvc.communicate()
        time.sleep(0.02)
    time.sleep(seconds)
    if killed == "all":
        os.killpg(dvc.pid, signal.SIGKILL)
    elif killed == "DVC":
        dvc.kill()
    else:
        for process in running:
            with suppress(psutil.NoSuchProcess):  # it was faster
                process.kill()
    said, _ = dvc.communicate(timeout=PATIENCE)
    assert "Traceback" not in said, said
    assert psutil.wait_procs(processes(clone.directory), PATIENCE)[1] == []
    clone.run("python", "-m", "softmax", "run")
    clone.run("python", "-m", "softmax", "track")
    clone.assert_clean()
    assert not [*clone.directory.rglob("*.partial")]
    with closing(sqlite3.connect(clone.directory / "mlflow.db")) as store:
        assert store.execute("PRAGMA quick_check").fetchall() == [("ok",)]
