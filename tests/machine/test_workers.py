"""Several workers: the bytes of one, on one machine or two, and what is left when one dies."""

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
from clones import Clone
from conftest import Workspace
from mlflow import MlflowClient
from servers import free_port
from shared import ROOT, forking

from softmax.errors import SettingError
from softmax.machine import torchrun
from softmax.pipeline import paths

FACTS = (paths.WEIGHTS, paths.LOSSES, paths.EPOCHS, paths.TRAIN_METRICS)
TRAIN = ["python", "-m", "stages.train"]
APART = {"WORKERS": "2", "PYTHON_EXEC": sys.executable}  # no forks, which have other parents
TORCHRUN = ["python", "-m", "torch.distributed.run", "--standalone"]
SETTINGS = {"epochs": 2, "batch_size": 2, "validation": 289}  # 106 batches, smaller than 3 workers


def start(
    command: list[str], folder: Path = Path(), /, **environment: str
) -> subprocess.Popen[str]:
    """Run `command` in `folder` with these settings."""
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**forking(), "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def succeed(process: subprocess.Popen[str]) -> str:
    """What the process prints, once it has ended well."""
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out


def facts(folder: Path = Path()) -> list[bytes]:
    """The outputs of the train stage."""
    return [(folder / path).read_bytes() for path in FACTS]


@pytest.fixture(scope="module")
def known() -> list[bytes]:
    """What `alone` found at its first use."""
    return []


@pytest.fixture
def alone(workspace: Workspace, known: list[bytes]) -> list[bytes]:
    """The outputs of a worker that trains alone, which are then removed."""
    workspace(train=SETTINGS)
    if not known:
        succeed(start(TRAIN))
        known += facts()
        for path in FACTS:
            path.unlink()
    return known


@pytest.fixture
def elsewhere(alone: list[bytes], tmp_path: Path) -> Path:  # noqa: ARG001 (what it trains on)
    """A second machine's copy of the workspace."""
    folder = tmp_path / "elsewhere"
    shutil.copytree("data", folder / "data")
    for file in ("params.yaml", "datasets.yaml"):
        shutil.copy(file, folder)
    return folder


class Machine(NamedTuple):
    """What comes before a command to run it there, and the settings that it needs there."""

    prefix: list[str]
    settings: dict[str, str]


@pytest.fixture(params=["one network", "two namespaces"])
def machines(request: pytest.FixtureRequest) -> Iterator[list[Machine]]:
    """Two machines that can meet: this one twice, or two network namespaces with a cable."""
    if request.param == "one network":
        meeting = {"PET_MASTER_ADDR": "127.0.0.1", "PET_MASTER_PORT": str(free_port())}
        yield [Machine([], meeting), Machine([], meeting)]
        return
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


def training_workers(launcher: subprocess.Popen[str], count: int = 3) -> list[psutil.Process]:
    """What the launcher started as its workers, by rank, once all of them are connected."""
    while launcher.poll() is None:
        here = [process for process in psutil.process_iter() if is_here(process)]
        if sum(map(is_connected, here)) == 1 + count:
            return sorted(filter(rank, here), key=rank)
        time.sleep(0.1)
    raise AssertionError(launcher.communicate()[1])


def is_here(process: psutil.Process) -> bool:
    """Whether it works in this folder."""
    with suppress(psutil.Error):  # of another user, or gone by now
        return process.cwd() == str(Path.cwd())
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


def start_both(machines: list[Machine], elsewhere: Path) -> list[subprocess.Popen[str]]:
    """One worker on the first machine, two on the second."""
    return [
        start(
            [*machine.prefix, *TRAIN],
            folder,
            WORKERS=str(k + 1),
            PET_NNODES="2",
            PET_NODE_RANK=str(k),
            **machine.settings,
        )
        for k, (machine, folder) in enumerate(zip(machines, (Path(), elsewhere), strict=True))
    ]


def test_three_workers_give_the_bytes_of_one(alone: list[bytes]) -> None:
    assert "on cpu, 3 workers" in succeed(start(TRAIN, WORKERS="3"))
    assert facts() == alone


def test_torchrun_gives_them_too(alone: list[bytes]) -> None:
    succeed(start([*TORCHRUN, "--nproc-per-node=2", *TRAIN[1:]]))
    assert facts() == alone


def test_two_machines_give_them_too_and_only_the_first_writes(
    machines: list[Machine], elsewhere: Path, alone: list[bytes]
) -> None:
    before = sorted(elsewhere.rglob("*"))
    for process in start_both(machines, elsewhere):
        succeed(process)
    assert facts() == alone
    assert sorted(elsewhere.rglob("*")) == before


@pytest.mark.parametrize("machines", ["one network"], indirect=True)
def test_machines_with_different_params_do_not_train(
    machines: list[Machine], elsewhere: Path
) -> None:
    params = elsewhere / "params.yaml"
    params.write_text(params.read_text().replace("epochs: 2", "epochs: 3"))
    first, second = start_both(machines, elsewhere)
    assert "worker 1 has other params, code or data than worker 0" in first.communicate()[1]
    second.communicate()
    assert first.returncode == second.returncode == 2
    assert not any(path.exists() for path in FACTS)


@pytest.mark.parametrize("machines", ["one network"], indirect=True)
def test_a_machine_without_data_ends_the_others(machines: list[Machine], elsewhere: Path) -> None:
    shutil.rmtree(elsewhere / "data")
    first, second = start_both(machines, elsewhere)
    errors = [process.communicate()[1] for process in (second, first)]

    assert "train-images-idx3-ubyte: not found; run `dvc repro download`" in errors[0]
    assert "error: worker 0 lost the others" in errors[1]
    assert "Traceback" not in "".join(errors)
    assert first.returncode == second.returncode == 2


def test_machines_that_do_not_meet_say_so(workspace: Workspace) -> None:
    workspace(train=SETTINGS)
    alone = start(TRAIN, WORKERS="1", PET_NNODES="2", PET_RDZV_CONF="timeout=3")
    error = alone.communicate()[1]

    assert "stages.train: waiting for the other machines" in error
    assert "error: the machines did not meet" in error
    assert "Traceback" not in error
    assert alone.returncode == 2


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


@pytest.mark.parametrize("wanted", ["0", "-1", "2.0", "two"])
def test_workers_is_a_positive_number(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS", wanted)
    with pytest.raises(SettingError, match=f"WORKERS = '{wanted}' should be a whole number"):
        torchrun.wanted()


def test_an_empty_variable_asks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS", "")
    assert torchrun.wanted() is None


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


def test_several_machines_need_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PET_NNODES", "2")
    with pytest.raises(SettingError, match="PET_NNODES is set without WORKERS"):
        torchrun.wanted()


def test_workers_and_dvc_give_the_locked_bytes(team: Clone, store: str) -> None:
    settings = {"WORKERS": "2", "DEVICE": "cpu", "MLFLOW_TRACKING_URI": store}
    team.run("dvc", "repro", "--force", "--single-item", "train", **settings)

    assert team.run("git", "status", "--porcelain") == ""
    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("softmax-digits")
    (last,) = client.search_runs([experiment.experiment_id], max_results=1)
    assert last.data.tags["workers"] == "2"
