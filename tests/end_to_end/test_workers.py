"""Several workers: the bytes of one, on one machine or two, and nothing left when they fail."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from helpers.clones import BIN, git
from helpers.stores import free_port
from helpers.workspace import Workspace
from mlflow import MlflowClient

from softmax.pipeline import paths

FACTS = (paths.WEIGHTS, paths.LOSSES, paths.EPOCHS, paths.TRAIN_METRICS)
TRAIN = [sys.executable, "-m", "stages.train"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
FOREVER = {"epochs": 10**6}
NOWHERE = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}

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


def start(
    command: list[str], directory: Path = Path(), /, **environment: str
) -> subprocess.Popen[str]:
    """Start `command` in `directory` with these settings."""
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    return subprocess.Popen(
        command,
        cwd=directory,
        env={**os.environ, **NOWHERE, "PATH": path, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def succeed(process: subprocess.Popen[str]) -> str:
    """Return what the process prints, once it has ended well."""
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out


def facts() -> list[bytes]:
    """Return the outputs of the train stage."""
    return [path.read_bytes() for path in FACTS]


@pytest.fixture
def alone(workspace: Workspace) -> list[bytes]:  # noqa: ARG001 (where the outputs are)
    """The outputs of a process that trained alone, which are then removed."""
    known = facts()
    for path in FACTS:
        path.unlink()
    return known


def training_workers(launcher: subprocess.Popen[str], count: int) -> list[psutil.Process]:
    """Return the workers, by rank, once the first has met the others.

    It then starts the process that makes MLflow ready.
    """
    while launcher.poll() is None:
        with suppress(psutil.Error):  # a process that ended by now
            children = psutil.Process(launcher.pid).children(recursive=True)
            commands = [child.cmdline() for child in children]
            if any("softmax.pipeline.recorder" in command for command in commands):
                found = zip(children, commands, strict=True)
                workers = [child for child, command in found if "stages.train" in command]
                assert len(workers) == count
                return sorted(workers, key=lambda worker: worker.environ()["RANK"])
        time.sleep(0.1)
    raise AssertionError(launcher.communicate()[1])


def assert_nothing_left(processes: list[psutil.Process]) -> None:
    """Check that the processes end and that there are no outputs."""
    assert psutil.wait_procs(processes, timeout=60)[1] == []
    assert not any(path.exists() for path in FACTS)


@pytest.mark.parametrize(
    ("count", "victim"),
    [(2, 1), *(pytest.param(3, k, marks=pytest.mark.extended) for k in (0, 2))],
)
def test_a_dead_worker_ends_the_job_and_a_new_one_gives_the_bytes_of_one(
    count: int, victim: int, alone: list[bytes], workspace: Workspace
) -> None:
    workspace.set(train=FOREVER)
    launcher = start(TRAIN, WORKERS=str(count))
    workers = training_workers(launcher, count)
    workers[victim].kill()
    out, err = launcher.communicate()

    assert launcher.returncode == 2
    assert f"error: worker {victim} ended with SIGKILL; run again" in err
    assert "Traceback" not in out + err
    assert_nothing_left(workers)

    git(workspace.directory, "checkout", "params.yaml")
    again = ["dvc", "repro", "--force", "--single-item", "train"]
    settings = {"WORKERS": str(count), "MLFLOW_TRACKING_URI": workspace.store}
    assert f"on cpu, {count} workers" in succeed(start(again, **settings))
    assert facts() == alone
    assert git(workspace.directory, "status", "--porcelain") == ""
    client = MlflowClient(workspace.store)
    experiment = client.get_experiment_by_name("softmax-digits")
    (last,) = client.search_runs([experiment.experiment_id])
    assert last.data.tags["workers"] == str(count)


@pytest.mark.extended
def test_torchrun_gives_the_bytes_of_one(alone: list[bytes]) -> None:
    succeed(start([*TORCHRUN, "--nproc-per-node=2", *TRAIN[1:]]))
    assert facts() == alone


@pytest.mark.extended
@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_launcher(by: signal.Signals, workspace: Workspace) -> None:
    workspace.set(train=FOREVER)
    launcher = start(TRAIN, WORKERS="2")
    workers = training_workers(launcher, 2)
    launcher.send_signal(by)
    assert_nothing_left(workers)
    assert "Traceback" not in launcher.communicate()[1]
    assert launcher.returncode == {signal.SIGKILL: -9, signal.SIGINT: 130}[by]


@pytest.mark.extended
def test_what_all_workers_meet_is_said_once(workspace: Workspace) -> None:
    workspace.set(train={"learning_rate": 1e9})
    launcher = start(TRAIN, WORKERS="3")

    assert launcher.communicate()[1].count("lower train.learning_rate") == 1
    assert launcher.returncode == 2


@pytest.mark.extended
@pytest.mark.parametrize("late", ["0", "1"])
def test_it_is_said_once_whoever_meets_it_late(late: str, workspace: Workspace) -> None:
    """Let the one that speaks for all be late, too: it is not ended before it did."""
    (workspace.directory / "late.py").write_text(LATE)
    launch = "from softmax.machine import torchrun; torchrun.launch('late', 2)"
    launcher = start([sys.executable, "-c", launch], LATE=late, WORKERS="2")

    assert launcher.communicate()[1] == "error: no data\n"
    assert launcher.returncode == 2


class Machine(NamedTuple):
    """What comes before a command to run it there, and the settings that it needs there."""

    prefix: list[str]
    settings: dict[str, str]


@pytest.fixture
def elsewhere(workspace: Workspace, tmp_path: Path) -> Path:
    """A copy of the workspace on a second machine, without models."""
    directory = tmp_path / "elsewhere"
    shutil.copytree(workspace.directory, directory, ignore=shutil.ignore_patterns("models"))
    return directory


@pytest.fixture
def same() -> list[Machine]:
    """This machine twice, which can meet itself."""
    meeting = {"PET_MASTER_ADDR": "127.0.0.1", "PET_MASTER_PORT": str(free_port())}
    return [Machine([], meeting)] * 2


@pytest.fixture
def cabled() -> Iterator[list[Machine]]:
    """Two network namespaces with a cable between them."""
    names = [f"softmax-{os.getpid()}-{k}" for k in range(2)]
    add = ["ip", "netns", "add", names[0]]
    if not shutil.which("ip") or subprocess.run(add, check=False).returncode != 0:
        pytest.skip("needs iproute2 and the right to make network namespaces")
    try:
        ip(f"netns add {names[1]}")
        ip(f"-n {names[0]} link add cable type veth peer cable netns {names[1]}")
        for k, name in enumerate(names):
            ip(f"-n {name} address add 10.77.0.{k + 1}/24 dev cable")
            ip(f"-n {name} link set cable up")
            ip(f"-n {name} link set lo up")
        meeting = {"PET_MASTER_ADDR": "10.77.0.1", "GLOO_SOCKET_IFNAME": "cable"}
        yield [Machine(["ip", "netns", "exec", name], meeting) for name in names]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False)


def ip(command: str) -> None:
    """Change the network."""
    subprocess.run(["ip", *command.split()], check=True)


def start_both(machines: list[Machine], elsewhere: Path) -> list[subprocess.Popen[str]]:
    """Start one worker on the first machine, two on the second."""
    return [
        start(
            [*machine.prefix, *TRAIN],
            directory,
            WORKERS=str(k + 1),
            PET_NNODES="2",
            PET_NODE_RANK=str(k),
            **machine.settings,
        )
        for k, (machine, directory) in enumerate(zip(machines, (Path(), elsewhere), strict=True))
    ]


@pytest.mark.extended
@pytest.mark.parametrize("machines", ["same", "cabled"])
def test_two_machines_give_the_bytes_of_one_and_only_the_first_writes(
    machines: str, request: pytest.FixtureRequest, elsewhere: Path, alone: list[bytes]
) -> None:
    def results() -> list[Path]:
        return sorted(path for path in elsewhere.rglob("*") if "__pycache__" not in path.parts)

    before = results()
    for process in start_both(request.getfixturevalue(machines), elsewhere):
        succeed(process)
    assert facts() == alone
    assert results() == before


@pytest.mark.extended
@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("change", "first_says", "second_says"),
    [
        ("sed -i s/2$/3/ params.yaml", "worker 1 has other params, code or data", ""),
        ("rm -r data", "worker 0 lost the others", "not found; run `dvc repro download`"),
    ],
)
def test_what_another_machine_lacks_ends_all(
    change: str, first_says: str, second_says: str, same: list[Machine], elsewhere: Path
) -> None:
    subprocess.run(change.split(), cwd=elsewhere, check=True)
    first, second = start_both(same, elsewhere)
    errors = second.communicate()[1], first.communicate()[1]

    assert second_says in errors[0]
    assert first_says in errors[1]
    assert "Traceback" not in "".join(errors)
    assert first.returncode == second.returncode == 2
    assert not any(path.exists() for path in FACTS)


@pytest.mark.extended
@pytest.mark.usefixtures("workspace")
def test_machines_that_do_not_meet_say_so() -> None:
    lonely = start(TRAIN, WORKERS="1", PET_NNODES="2", PET_RDZV_CONF="timeout=3")
    lines = lonely.communicate()[1].splitlines()

    assert lines[0] == "stages.train: waiting for the other machines"
    assert lines[-1].startswith("error: the machines did not meet")
    assert lonely.returncode == 2
