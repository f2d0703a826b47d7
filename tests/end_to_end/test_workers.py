"""Test that workers give the bytes of one worker and, if one fails, leave nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from helpers.clones import BIN, git
from helpers.processes import wait_until_ended
from helpers.runs import runs
from helpers.stores import NOWHERE, free_port
from helpers.workspace import Workspace

from softmax.pipeline import paths, recorder

OUTPUTS = (paths.WEIGHTS, paths.LOSSES, paths.EPOCHS, paths.TRAIN_METRICS)
TRAIN = [sys.executable, "-m", "stages.train"]
FOREVER = {"epochs": 10**6}
NAMED = 'hostname no-such-host.invalid; exec "$@"'
NAMELESS = ["unshare", "--user", "--map-root-user", "--uts", "sh", "-ec", NAMED, "sh"]


def start(
    command: list[str], directory: Path = Path(), /, **environment: str
) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    return subprocess.Popen(
        command,
        cwd=directory,
        env={**os.environ, "MLFLOW_TRACKING_URI": NOWHERE, "PATH": path, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def succeed(process: subprocess.Popen[str]) -> str:
    """Wait until the process ends with status 0, and return what it printed."""
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out


def outputs() -> list[bytes]:
    return [path.read_bytes() for path in OUTPUTS]


@pytest.fixture
def alone(workspace: Workspace) -> list[bytes]:  # noqa: ARG001 (contains the outputs)
    """Remove the outputs of training in a single process, and return their bytes."""
    known = outputs()
    for path in OUTPUTS:
        path.unlink()
    return known


def training_workers(launcher: subprocess.Popen[str], count: int) -> list[psutil.Process]:
    """Return the workers by rank, once all of them are connected.

    The first worker then starts the recorder, for which this function waits.
    """
    while launcher.poll() is None:
        with suppress(psutil.Error):  # a process may end meanwhile
            children = psutil.Process(launcher.pid).children(recursive=True)
            commands = [child.cmdline() for child in children]
            if any(recorder.PROGRAM in command for command in commands):
                found = zip(children, commands, strict=True)
                workers = [child for child, command in found if "stages.train" in command]
                assert len(workers) == count
                return sorted(workers, key=lambda worker: worker.environ()["RANK"])
        time.sleep(0.1)
    raise AssertionError(launcher.communicate()[1])


def assert_nothing_left(processes: list[psutil.Process]) -> None:
    """Assert that the processes end and that no output exists."""
    wait_until_ended(processes, 60)
    assert not any(path.exists() for path in OUTPUTS)


@pytest.mark.parametrize(
    ("count", "target"), [(2, 1), pytest.param(3, 0, marks=pytest.mark.extended)]
)
def test_a_dead_worker_ends_the_job_and_a_rerun_gives_the_same_bytes(
    count: int, target: int, alone: list[bytes], workspace: Workspace
) -> None:
    workspace.set(train=FOREVER)
    launcher = start(TRAIN, WORKERS=str(count))
    workers = training_workers(launcher, count)
    workers[target].kill()
    out, err = launcher.communicate()
    assert launcher.returncode == 2
    assert f"error: worker {target} ended with SIGKILL. Run the command again." in err
    assert "Traceback" not in out + err
    assert_nothing_left(workers)

    git(workspace.directory, "checkout", "params.yaml")
    again = ["dvc", "repro", "--force", "--single-item", "train"]
    settings = {"WORKERS": str(count), "MLFLOW_TRACKING_URI": workspace.store}
    assert f"on cpu, {count} workers" in succeed(start(again, **settings))
    assert outputs() == alone
    assert git(workspace.directory, "status", "--porcelain") == ""
    (last,) = runs(workspace.store)
    assert last.data.tags["workers"] == str(count)


@pytest.mark.extended
def test_torchrun_gives_the_bytes_of_one_worker(alone: list[bytes]) -> None:
    succeed(start(["torchrun", "--standalone", "--nproc-per-node=2", *TRAIN[1:]]))
    assert outputs() == alone


@pytest.mark.extended
def test_workers_run_on_a_machine_whose_name_does_not_resolve(alone: list[bytes]) -> None:
    if subprocess.run([*NAMELESS, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine permits no namespaces")
    succeed(start([*NAMELESS, *TRAIN], WORKERS="2"))
    assert outputs() == alone


@pytest.mark.extended
@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(("by", "status"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_workers_end_with_their_launcher(by: int, status: int, workspace: Workspace) -> None:
    workspace.set(train=FOREVER)
    launcher = start(TRAIN, WORKERS="2")
    workers = training_workers(launcher, 2)
    launcher.send_signal(by)
    assert_nothing_left(workers)
    assert "Traceback" not in launcher.communicate()[1]
    assert launcher.returncode == status


@pytest.mark.extended
def test_an_error_of_all_workers_is_printed_once(workspace: Workspace) -> None:
    workspace.set(train={"learning_rate": 1e9})
    launcher = start(TRAIN, WORKERS="3")
    assert launcher.communicate()[1].count("Lower the learning rate") == 1
    assert launcher.returncode == 2


@pytest.mark.extended
def test_two_machines_give_the_same_bytes_and_only_the_first_writes(
    alone: list[bytes], workspace: Workspace, tmp_path: Path
) -> None:
    """Use two directories in place of two machines."""
    elsewhere = shutil.copytree(workspace.directory, tmp_path / "elsewhere")
    network = {"PET_NNODES": "2", "PET_MASTER_ADDR": "127.0.0.1"}
    network["PET_MASTER_PORT"] = str(free_port())
    processes = [
        start(TRAIN, directory, WORKERS=str(k + 1), PET_NODE_RANK=str(k), **network)
        for k, directory in enumerate((Path(), elsewhere))
    ]
    for process in processes:
        succeed(process)
    assert outputs() == alone
    assert not any((elsewhere / path).exists() for path in OUTPUTS)


@pytest.mark.extended
@pytest.mark.usefixtures("workspace")
def test_a_machine_that_no_other_machine_joins_exits_with_an_error() -> None:
    lonely = start(TRAIN, WORKERS="1", PET_NNODES="2", PET_RDZV_CONF="timeout=3")
    lines = lonely.communicate()[1].splitlines()
    assert lines[0] == "stages.train: waiting for the other machines"
    assert lines[-1].startswith("error: the machines did not connect")
    assert lonely.returncode == 2
