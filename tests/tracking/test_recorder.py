"""The real process that logs: what it logs, and that it ends in time and with its stage."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from helpers.rows import content, rows
from helpers.stores import STARTUP, empty_store
from helpers.workspace import Workspace

from softmax.pipeline import dvc_lock

pytestmark = pytest.mark.end_to_end
ENDLESS = """
import threading, time
from softmax.pipeline import params, recorder
from softmax.tracking import recording
recording.LIMIT = 1
recording.STAGES["export"] = lambda *_: threading.Thread(target=time.sleep, args=[600]).start()
recorder.log("export", params.load())
"""


def run(*arguments: str) -> str:
    """Run Python in the workspace, which must succeed, and return its stderr."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=STARTUP)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_stages_of_their_own_log_in_a_directory_of_any_name(
    workspace: Workspace, tmp_path: Path
) -> None:
    """The address of a store is relative, since a URI means something else by these characters."""
    workspace.tool("track")
    expected = content(workspace.store)
    strange = shutil.move(workspace.directory, tmp_path / "a?b c#d%2Fx thư mục")
    workspace.monkeypatch.chdir(strange)
    workspace.monkeypatch.delenv("MLFLOW_TRACKING_URI")
    Path("mlflow.db").unlink()
    empty_store(Path("mlflow.db"))
    locked = dvc_lock.PATH.read_bytes()
    dvc_lock.PATH.unlink()
    before = {*tmp_path.iterdir()}
    assert "warning" not in run("-m", "stages.train")
    dvc_lock.PATH.write_bytes(locked)
    run("-m", "softmax", "track")
    assert {*tmp_path.iterdir()} == before
    copy = f"sqlite:///{shutil.copy('mlflow.db', tmp_path / 'copy.db')}"
    (row,) = rows(copy)
    assert row.info.artifact_uri.startswith(Path.cwd().as_uri())
    assert content(copy) == expected


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_recorder_ends_with_its_stage(number: signal.Signals, workspace: Workspace) -> None:
    workspace.set(train={"epochs": 100_000})
    command = [sys.executable, "-m", "stages.train"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    stage = psutil.Process(process.pid)
    end = time.monotonic() + STARTUP
    while not (children := stage.children(recursive=True)):
        assert time.monotonic() < end
        time.sleep(0.05)
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)  # as Ctrl-C, or one
    assert "Traceback" not in process.communicate(timeout=STARTUP)[1]
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert psutil.wait_procs(children, STARTUP)[1] == []
    assert rows(workspace.store) == []


@pytest.mark.usefixtures("workspace")
def test_a_store_that_stalls_is_given_up() -> None:
    """By the process that logs, also if one of its threads does not end."""
    start = time.monotonic()
    said = run("-c", ENDLESS)
    assert said.startswith("warning: could not log export to MLflow: not in 1 s. ")
    assert time.monotonic() - start < STARTUP
