"""Test the recorder, the process that logs all stages of a run: how it starts, fails and ends."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from helpers.processes import wait_until_ended
from helpers.runs import content, runs
from helpers.shared import LECTURE, ROOT
from helpers.stores import STARTUP, empty_store
from helpers.workspace import MODEL, Workspace

from softmax.pipeline import datasets, dvc_lock, params, recorder
from softmax.pipeline.recorder import Recorder
from softmax.tracking import recording


def run(*arguments: str) -> str:
    """Run Python in the workspace, assert that it succeeds, and return its stderr."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=STARTUP)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.end_to_end
def test_stages_log_in_a_directory_of_any_name(workspace: Workspace, tmp_path: Path) -> None:
    """Use characters with a meaning in URIs, for which the URI of the store must be relative."""
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
    (logged,) = runs(copy)
    assert logged.info.artifact_uri.startswith(Path.cwd().as_uri())
    assert content(copy) == expected


def recorders(directory: Path) -> list[psutil.Process]:
    """Return the recorders that were started in `directory`."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if recorder.PROGRAM in process.cmdline() and process.cwd() == str(directory):
                found.append(process)
    return found


@pytest.mark.end_to_end
def test_one_recorder_serves_a_run_and_ends_after_it(workspace: Workspace) -> None:
    workspace.monkeypatch.delenv("KMP_DUPLICATE_LIB_OK", raising=False)  # set by threadpoolctl
    for stage in MODEL:
        workspace.monkeypatch.setenv("DVC_STAGE", stage)  # as DVC does
        assert run("-m", f"stages.{stage}") == ""
    assert len(recorders(workspace.directory)) == 1
    (path,) = recorder.DIRECTORY.glob("recorder-*")
    assert (path.stat().st_mode & 0o777, path.owner()) == (0o600, Path.cwd().owner())
    workspace.monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    assert run("-m", "stages.export") == ""
    found = recorders(workspace.directory)
    assert len(found) == 2
    wait_until_ended(found, recording.LINGER + 5)
    assert [*recorder.DIRECTORY.glob("recorder-*")] == []


@pytest.mark.end_to_end
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_recorder_ends_after_its_stage_is_killed(
    number: signal.Signals, workspace: Workspace
) -> None:
    workspace.set(train={"epochs": 100_000})
    command = [sys.executable, "-m", "stages.train"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    end = time.monotonic() + STARTUP
    while not (found := recorders(workspace.directory)):
        assert time.monotonic() < end
        time.sleep(0.05)
    time.sleep(1)  # until training runs, because Python ignores Ctrl-C in a callback at its start
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)  # Ctrl-C, or a kill
    assert "Traceback" not in process.communicate(timeout=STARTUP)[1]
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    wait_until_ended(found, STARTUP)
    assert runs(workspace.store) == []


ANSWER = b'["registered", ""]\n'
SENT = {  # when the recorder is killed, and the bytes that it has sent before
    "before the answer": b"",
    "in the answer": ANSWER[:9],
    "after nonsense": b"\0{}\n",
    "after another line": b"[]\n",
    "after the answer": ANSWER,
}


@pytest.mark.parametrize("fault", ["at once", *SENT, "never"])
def test_a_failed_recorder_gives_one_warning_and_is_replaced(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Close the recorder's side of the connection, as if the recorder had ended."""
    servers: list[socket.socket] = []

    def start(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        servers.append(socket.socket(socket.AF_UNIX))
        servers[-1].bind(str(path))
        servers[-1].listen()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(recorder, "_start", start)
    monkeypatch.setattr(recorder, "ANSWER_TIMEOUT", 0.2)
    stage, reason = Recorder("export"), "the logging process exited unexpectedly"
    connection = servers[0].accept()[0]
    if fault == "at once":
        connection.close()
    elif fault == "never":
        reason = "no answer from MLflow within 0.2 s"
    else:
        connection.sendall(SENT[fault])
        connection.shutdown(socket.SHUT_WR)
    if fault != "never":
        servers[0].close()
    stage.log(params.load(LECTURE))
    printed = capsys.readouterr()
    if fault == "after the answer":
        assert printed == ("registered", "")
    else:
        assert printed.out == ""
        assert printed.err.startswith(f"warning: could not log export to MLflow: {reason}. ")
        assert printed.err.count("\n") == 1
    Recorder("report")
    assert len(servers) == 2


def test_a_stage_killed_in_a_request_does_not_end_the_recorder() -> None:
    for sent in (b"", b'{"stage": "ex', b"[]\n", b"nonsense\n"):
        stage, server = socket.socketpair()
        stage.sendall(sent)
        stage.close()
        assert not recording._answered(server)


def test_different_runs_share_no_recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vary variables and stores. Directories differ anyway, because the path is relative."""
    monkeypatch.chdir(tmp_path)
    found = [recorder._path()]
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_PASSWORD", "DVC_EXP_NAME", "http_proxy"):
        monkeypatch.setenv(name, "other")
        found.append(recorder._path())
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    for name in ("first.db", "second.db"):
        Path(name).touch()
        Path(name).replace("mlflow.db")
        found.append(recorder._path())
    assert len({*found}) == len(found)
    monkeypatch.setattr(datasets, "PATH", tmp_path / "mlflow.db")  # newer than datasets.yaml
    found.append(recorder._path())
    assert len({*found}) == len(found)
    monkeypatch.setenv("DVC_STAGE", "export")
    assert recorder._path() == found[-1]
    assert not found[-1].is_absolute()


@pytest.mark.end_to_end
def test_a_store_that_hangs_ends_the_recorder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the answer to a stage take longer than the limit."""
    program = (
        "import time; from softmax.tracking import recording; recording.ANSWER_TIMEOUT = -0.9;"
        "recording.answer = lambda _: time.sleep(600); recording.main()"
    )
    monkeypatch.chdir(tmp_path)  # paths of sockets must be short
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as stage:
        listener.bind("socket")
        listener.listen()
        process = subprocess.Popen([sys.executable, "-c", program], stdin=listener.fileno())
        stage.connect("socket")
        stage.sendall(b"{}\n")
        assert process.wait(STARTUP) == 0
