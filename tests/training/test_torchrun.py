"""Test the number of workers that WORKERS sets, their rendezvous, and their errors."""

import os
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.distributed import run
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

from softmax.core.workers import Workers
from softmax.errors import EnvironmentVariableError, WorkerError
from softmax.training import launcher


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the variables that would change the tests, and restore them afterwards."""
    for name in ("WORKERS", "PET_NNODES", "PET_RDZV_CONF", "OMP_NUM_THREADS", launcher.TORCHRUN):
        monkeypatch.setenv(name, "")  # monkeypatch then restores the variable after the test
        monkeypatch.delenv(name)


@pytest.mark.parametrize("wanted", ["0", "-1", "2.0", "two"])
def test_workers_must_be_a_positive_integer(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS", wanted)
    with pytest.raises(EnvironmentVariableError, match=f"'{wanted}' should be a positive integer"):
        launcher.wanted()


def test_workers_sets_the_number_of_processes_and_is_required_for_several_machines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert launcher.wanted() is None
    monkeypatch.setenv("WORKERS", "")
    assert launcher.wanted() is None
    monkeypatch.setenv("PET_NNODES", "2")
    with pytest.raises(EnvironmentVariableError, match="PET_NNODES is set without WORKERS"):
        launcher.wanted()
    monkeypatch.setenv("WORKERS", "3")
    assert launcher.wanted() == 3
    monkeypatch.setenv(launcher.TORCHRUN, "none")  # in a worker
    assert launcher.wanted() is None


def test_several_machines_wait_for_each_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    launched: list[list[str]] = []
    monkeypatch.setattr(run, "parse_args", lambda command: command)
    monkeypatch.setattr(run, "run", launched.append)
    launcher.launch("stages.train", 2)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("PET_NNODES", "2")
    launcher.launch("stages.train", 2)
    assert capsys.readouterr().err == "stages.train: waiting for the other machines\n"
    command = ["--nproc-per-node=2", "-m", "stages.train"]
    logs = [words.pop(0).removeprefix("--log-dir=") for words in launched]
    assert launched == [["--standalone", "--local-addr=localhost", *command], command]
    assert not any(map(os.path.exists, logs))
    assert (os.environ["PET_RDZV_CONF"], os.environ["OMP_NUM_THREADS"]) == ("timeout=300", "1")


def test_no_worker_starts_without_a_loopback_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda _: Path("/no such place").stat())
    with pytest.raises(WorkerError, match=r"cannot connect to it: No such file.*ip link set lo up"):
        launcher.launch("stages.train", 2)


@pytest.mark.parametrize(
    ("codes", "end"),
    [
        ({0: -9}, "worker 0 ended with SIGKILL. Run the command again."),
        ({0: -15, 1: -9, 2: -15}, "worker 1 ended with SIGKILL. Run the command again."),
        ({0: -15, 1: -15}, "worker 0 ended with SIGTERM. Run the command again."),
        ({0: 2, 1: -11}, "worker 1 ended with SIGSEGV. Run the command again."),
        *[({0: 2}, "2"), ({0: -15, 1: 2}, "2"), ({0: 2, 1: 1}, "2")],
    ],
    ids=str,
)
def test_a_killed_worker_is_named_and_a_reported_error_sets_the_exit_status(
    codes: dict[int, int], end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        failures = {rank: ProcessFailure(rank, 1, code, "none") for rank, code in codes.items()}
        raise ChildFailedError("stages.train", failures)

    monkeypatch.setattr(run, "run", fail)
    with pytest.raises((WorkerError, SystemExit), match=f"^{end}$"):
        launcher.launch("stages.train", 2)


def test_a_worker_without_its_launcher_or_the_others_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(WorkerError, match=r"^worker 1: its launcher ended"):
        Workers(rank=1, size=2, launcher=0).sum(np.zeros(1))

    def gone(_: object) -> None:
        raise RuntimeError("connection closed by peer\nat much length")

    monkeypatch.setattr(torch.distributed, "all_reduce", gone)
    with pytest.raises(WorkerError, match=r"^worker 1 lost contact with the other workers"):
        Workers(rank=1, size=2, launcher=os.getppid()).sum(np.zeros(1))


@pytest.mark.parametrize("change", ["params", "images", "code"])
def test_workers_must_agree_on_params_code_and_data(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, code = tmp_path / "images", tmp_path / "softmax/core/model.py"
    code.parent.mkdir(parents=True)
    monkeypatch.setattr(launcher, "__file__", str(tmp_path / "softmax/training/launcher.py"))
    output: list[str] = []

    def gather(hashes: list[str], own: str) -> None:
        output.append(own)
        hashes[:] = output[0], own

    def agree(changed: str) -> None:
        images.write_text(f"{changed == 'images'}")
        code.write_text(f"{changed == 'code'}")
        launcher.agree(Workers(0, 2, launcher=0), {"seed": changed == "params"}, [images])

    monkeypatch.setattr(torch.distributed, "all_gather_object", gather)
    agree("nothing")
    agree("nothing")
    with pytest.raises(WorkerError, match=r"^worker 1 differs from worker 0 in params"):
        agree(change)
