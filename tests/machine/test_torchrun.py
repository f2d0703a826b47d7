"""What WORKERS asks for, how workers meet, and what is said when they cannot go on."""

import os
import signal
from collections.abc import Callable, Mapping
from datetime import timedelta
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
    monkeypatch.setenv("WORKERS", "3")
    assert torchrun.wanted() == 3


def test_a_worker_launches_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS", "3")
    monkeypatch.setenv(torchrun.TORCHRUN, "none")
    assert torchrun.wanted() is None


@pytest.mark.parametrize("value", [None, ""])
def test_an_empty_variable_asks_for_nothing(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is not None:
        monkeypatch.setenv("WORKERS", value)
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


def test_torchrun_is_standalone_on_one_machine(launch: Launch) -> None:
    assert launch(None) == ["--standalone", "--nproc-per-node=2", "-m", "stages.train"]
    assert os.environ["OMP_NUM_THREADS"] == "1"


def test_several_machines_wait_for_each_other(
    launch: Launch, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PET_NNODES", "2")
    assert launch(None) == ["--nproc-per-node=2", "-m", "stages.train"]
    assert os.environ["PET_RDZV_CONF"] == "timeout=300"
    assert capsys.readouterr().err == "stages.train: waiting for the other machines\n"


def test_what_the_user_chose_for_torchrun_stays(
    launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = {"PET_NNODES": "2", "PET_RDZV_CONF": "timeout=3", "OMP_NUM_THREADS": "4"}
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    launch(None)
    assert {name: os.environ[name] for name in chosen} == chosen


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


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets this process be the only worker of torchrun."""
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    settings = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", torchrun.TORCHRUN: "none"}
    for name, value in (meeting | settings).items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("worker")
def test_workers_meet_for_as_long_as_they_work() -> None:
    with torchrun.join("cpu") as team:
        assert team == Workers(rank=0, size=1, launcher=os.getppid())
        assert torch.distributed.get_backend() == "gloo"
    assert not torch.distributed.is_initialized()


@pytest.mark.usefixtures("worker")
def test_a_worker_on_a_gpu_has_one_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[object] = []
    distributed = torch.distributed
    monkeypatch.setenv("LOCAL_RANK", "3")
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    meet = distributed.init_process_group

    def meet_without_gpu(backend: str, timeout: timedelta) -> None:
        chosen.append(backend)
        meet("gloo", timeout=timeout)

    monkeypatch.setattr(distributed, "init_process_group", meet_without_gpu)
    with torchrun.join("cuda"):
        assert chosen == [3, "nccl"]


@pytest.mark.usefixtures("worker")
def test_sums_replace_their_terms() -> None:
    """Sum as if another worker were there."""
    array = np.array([1.0, 2.0])
    with torchrun.join("cpu"):
        assert Workers(rank=0, size=2, launcher=os.getppid()).sum(array) is array
    assert array.tolist() == [1, 2]


def test_a_worker_that_is_alone_or_lost_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(WorkerError, match=r"^worker 1 lost its launcher$"):
        Workers(rank=1, size=2, launcher=0).sum(np.zeros(1))

    def gone(_: object) -> None:
        raise RuntimeError("connection closed by peer\nat much length")

    monkeypatch.setattr(torch.distributed, "all_reduce", gone)
    with pytest.raises(WorkerError, match=r"^worker 1 lost the others$"):
        Workers(rank=1, size=2, launcher=os.getppid()).sum(np.zeros(1))


@pytest.mark.parametrize("change", ["nothing", "params", "images", "code"])
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

    monkeypatch.setattr(torch.distributed, "all_gather_object", gather)

    def agree(changed: str) -> None:
        images.write_text(f"images {changed == 'images'}")
        code.write_text(f"code = {changed == 'code'}")
        params = {"seed": int(changed == "params")}
        torchrun.agree(Workers(rank=0, size=2, launcher=0), params, [images])

    agree("nothing")
    if change == "nothing":
        agree(change)
    else:
        with pytest.raises(WorkerError, match=r"^worker 1 has other params, code or data than wor"):
            agree(change)


def test_a_worker_that_is_alone_asks_nobody_to_agree() -> None:
    torchrun.agree(ALONE, {}, [Path("no such file")])
