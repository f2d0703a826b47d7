"""What WORKERS asks for, how workers meet, and what is said when they cannot go on."""

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.stores import free_port
from torch.distributed import DistError, run
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

from softmax.core.workers import ALONE, Workers
from softmax.errors import SettingError, WorkerError
from softmax.machine import torchrun

Launch = Callable[[Exception | None], list[str]]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets no setting of the tests' own environment choose."""
    for name in ("WORKERS", "PET_NNODES", "PET_RDZV_CONF", "OMP_NUM_THREADS", torchrun.TORCHRUN):
        monkeypatch.setenv(name, "")  # so that it is as before, whatever a test makes of it
        monkeypatch.delenv(name)


@pytest.mark.parametrize("wanted", ["0", "-1", "2.0", "two"])
def test_workers_is_a_positive_number(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS", wanted)
    with pytest.raises(SettingError, match=f"WORKERS = '{wanted}' should be a whole number"):
        torchrun.wanted()


def test_workers_is_the_number_to_launch(monkeypatch: pytest.MonkeyPatch) -> None:
    assert torchrun.wanted() is None
    monkeypatch.setenv("WORKERS", "")
    assert torchrun.wanted() is None
    monkeypatch.setenv("WORKERS", "3")
    assert torchrun.wanted() == 3
    monkeypatch.setenv(torchrun.TORCHRUN, "none")  # in a worker
    assert torchrun.wanted() is None


def test_several_machines_need_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PET_NNODES", "2")
    with pytest.raises(SettingError, match="PET_NNODES is set without WORKERS"):
        torchrun.wanted()
    monkeypatch.setenv("WORKERS", "2")
    assert torchrun.wanted() == 2


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch) -> Launch:
    """Launches two workers with a torchrun that raises this, or returns the command it got."""

    def launched(error: Exception | None) -> list[str]:
        commands = []

        def ended(options: object) -> None:
            commands.append(options)
            if error:
                raise error

        monkeypatch.setattr(run, "parse_args", lambda command: command)
        monkeypatch.setattr(run, "run", ended)
        torchrun.launch("stages.train", 2)
        (command,) = commands
        return command  # type: ignore[return-value]

    return launched


def test_several_machines_wait_for_each_other(
    launch: Launch, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--nproc-per-node=2", "-m", "stages.train"]
    assert launch(None) == ["--standalone", *command]
    assert capsys.readouterr().err == ""

    monkeypatch.setenv("PET_NNODES", "2")
    assert launch(None) == command
    assert capsys.readouterr().err == "stages.train: waiting for the other machines\n"
    assert (os.environ["PET_RDZV_CONF"], os.environ["OMP_NUM_THREADS"]) == ("timeout=300", "1")


def test_machines_that_do_not_meet_say_so_in_a_line(launch: Launch) -> None:
    with pytest.raises(WorkerError, match=r"^the machines did not meet: timed out$"):
        launch(DistError("timed out\nand much more"))


def failed(codes: Mapping[int, int]) -> ChildFailedError:
    """Return what torchrun raises when workers, by rank, end with these codes."""
    failures = {rank: ProcessFailure(rank, 1, code, "none") for rank, code in codes.items()}
    return ChildFailedError("stages.train", failures)


@pytest.mark.parametrize(
    ("codes", "line"),
    [
        ({0: -9}, "worker 0 ended with SIGKILL"),
        ({0: -15, 1: -9, 2: -15}, "worker 1 ended with SIGKILL"),
        ({0: -15, 1: -15}, "worker 0 ended with SIGTERM"),
        ({0: 2, 1: -11}, "worker 1 ended with SIGSEGV"),
    ],
    ids=str,
)
def test_a_worker_that_was_killed_is_named(
    codes: dict[int, int], line: str, launch: Launch
) -> None:
    with pytest.raises(WorkerError, match=f"^{line}; run again$"):
        launch(failed(codes))


@pytest.mark.parametrize("codes", [{0: 2}, {0: -15, 1: 2}, {0: 2, 1: 1}], ids=str)
def test_a_worker_that_said_why_gives_the_exit_status(
    codes: dict[int, int], launch: Launch
) -> None:
    with pytest.raises(SystemExit) as end:
        launch(failed(codes))
    assert end.value.code == 2


def test_ctrl_c_gives_its_exit_status(launch: Launch) -> None:
    with pytest.raises(SystemExit) as end:
        launch(SignalException("ended", signal.SIGINT))
    assert end.value.code == 130


def test_without_torchrun_a_process_works_alone() -> None:
    with torchrun.join("cpu") as team:
        assert team == ALONE


def test_workers_meet_for_as_long_as_they_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process be the only worker of torchrun."""
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    settings = {"RANK": "0", "WORLD_SIZE": "1", torchrun.TORCHRUN: "none"}
    for name, value in (meeting | settings).items():
        monkeypatch.setenv(name, value)
    with torchrun.join("cpu") as team:
        assert team == Workers(rank=0, size=1, launcher=os.getppid())
        assert torch.distributed.get_backend() == "gloo"
        array = np.array([1.0, 2.0])
        assert team._replace(size=2).sum(array) is array  # as if there were another
        assert array.tolist() == [1, 2]
    assert not torch.distributed.is_initialized()


def test_a_worker_that_is_alone_or_lost_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(WorkerError, match=r"^worker 1 lost its launcher$"):
        Workers(rank=1, size=2, launcher=0).sum(np.zeros(1))

    def gone(_: object) -> None:
        raise RuntimeError("connection closed by peer\nat much length")

    monkeypatch.setattr(torch.distributed, "all_reduce", gone)
    with pytest.raises(WorkerError, match=r"^worker 1 lost the others$"):
        Workers(rank=1, size=2, launcher=os.getppid()).sum(np.zeros(1))


@pytest.mark.parametrize("change", ["params", "images", "code"])
def test_workers_agree_on_params_code_and_files(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, code = tmp_path / "images", tmp_path / "softmax/core/model.py"
    code.parent.mkdir(parents=True)
    monkeypatch.setattr(torchrun, "__file__", str(tmp_path / "softmax/machine/torchrun.py"))
    said: list[str] = []

    def gather(facts: list[str], mine: str) -> None:
        said.append(mine)
        facts[:] = said[0], mine

    def agree(changed: str) -> None:
        images.write_text(f"{changed == 'images'}")
        code.write_text(f"{changed == 'code'}")
        torchrun.agree(Workers(0, 2, launcher=0), {"seed": changed == "params"}, [images])

    monkeypatch.setattr(torch.distributed, "all_gather_object", gather)
    agree("nothing")
    agree("nothing")
    with pytest.raises(WorkerError, match=r"^worker 1 has other params, code or data than worker"):
        agree(change)
