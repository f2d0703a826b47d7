"""SIGKILL to real processes: the next `make repro` gives the same bytes and leaves nothing over."""

import hashlib
import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest
from helpers.clones import Clone, digits_clone

OUTPUTS = ("data", "images", "metrics", "models", "report", "params.valid", "dvc.lock")
PATIENCE = 60  # seconds for what is to end by itself, on a busy machine


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone with all results, in which commands are killed."""
    return digits_clone(tmp_path_factory.mktemp("kills") / "clone")


def contents(directory: Path) -> dict[str, str]:
    """Return the SHA-256 of each output and of dvc.lock."""
    paths = [
        path for name in OUTPUTS for path in (directory / name, *(directory / name).rglob("*"))
    ]
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.is_file()
    }


def processes(directory: Path, stage: str = "") -> list[psutil.Process]:
    """Return the processes that run in `directory`, all or those of a stage's Python."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # it has ended, or is another user's
            if not Path(process.cwd()).is_relative_to(directory):
                continue
            line = process.cmdline()
            if not stage or (f"stages.{stage}" in line and "python" in line[0]):
                found.append(process)
    return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]


def wait_for(directory: Path, stage: str, dvc: "subprocess.Popen[str]") -> list[psutil.Process]:
    """Return the processes of the stage as soon as there are some."""
    while not (found := processes(directory, stage)):
        assert dvc.poll() is None, dvc.communicate()
        time.sleep(0.02)
    return found


@pytest.mark.extended
@pytest.mark.parametrize(
    ("killed", "stage", "seconds"),
    [
        ("all", "train", 0.2),
        ("all", "evaluate", 1.5),
        ("DVC", "train", 1.0),
        ("the stage", "export", 0.2),
        ("the stage", "lesson", 1.5),
    ],
)
def test_a_kill_loses_nothing(killed: str, stage: str, seconds: float, clone: Clone) -> None:
    """Kill DVC with its stage, DVC alone, without which the stage goes on, or the stage alone."""
    before = contents(clone.directory)
    dvc = subprocess.Popen(
        ["dvc", "repro", "--force", "--single-item", stage],
        cwd=clone.directory,
        env=clone.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    running = wait_for(clone.directory, stage, dvc)
    time.sleep(seconds)
    match killed:
        case "all":
            os.killpg(dvc.pid, signal.SIGKILL)
        case "DVC":
            dvc.kill()
        case _:
            for process in running:
                with suppress(psutil.NoSuchProcess):  # it was faster
                    process.kill()
    said, _ = dvc.communicate(timeout=PATIENCE)
    assert "Traceback" not in said, said

    end = time.monotonic() + PATIENCE
    while left := processes(clone.directory):
        assert time.monotonic() < end, left
        time.sleep(0.05)
    clone.run("python", "-m", "tools.repro")
    clone.run("python", "-m", "tools.track")
    assert contents(clone.directory) == before
    assert not [*clone.directory.rglob("*.partial")]
    with closing(sqlite3.connect(clone.directory / "mlflow.db")) as store:
        assert store.execute("PRAGMA quick_check").fetchall() == [("ok",)]
