"""Several workers: the bytes of one, on one machine or two, and what they do not agree to do."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from clones import Clone
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
from mlflow import MlflowClient
from old_fixtures import Workspace
from servers import free_port

from softmax.errors import SettingError
from softmax.machine import torchrun

TORCHRUN = ["python", "-m", "torch.distributed.run", "--standalone"]


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


@pytest.mark.parametrize("wanted", ["0", "-1", "2.0", "two"])
def test_workers_is_a_positive_number(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS", wanted)
    with pytest.raises(SettingError, match=f"WORKERS = '{wanted}' should be a whole number"):
        torchrun.wanted()


def test_an_empty_variable_asks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS", "")
    assert torchrun.wanted() is None


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
