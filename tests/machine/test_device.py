"""What DEVICE asks for."""

import ctypes.util
import os
import subprocess
import sys

import pytest
import torch
from helpers.shared import ROOT

from softmax.errors import SettingError
from softmax.machine import device


@pytest.fixture(params=[False, True], ids=["no GPU", "GPU"])
def gpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """A machine that has a driver, without and with a GPU."""
    monkeypatch.setattr(device, "loads", lambda _: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: int(request.param))
    return bool(request.param)


def test_auto_takes_the_gpu_if_there_is_one_and_cpu_never(
    *, gpu: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DEVICE", raising=False)
    assert device.choose() == ("cuda" if gpu else "cpu")
    for wanted in ("auto", ""):
        monkeypatch.setenv("DEVICE", wanted)
        assert device.choose() == ("cuda" if gpu else "cpu")
    monkeypatch.setenv("DEVICE", "cpu")
    assert device.choose() == "cpu"


def test_without_a_driver_torch_is_not_imported() -> None:
    program = """
import sys
from softmax.machine import device
device.DRIVERS = ("libno-such-driver.so",)
assert device.choose() == "cpu"
assert "torch" not in sys.modules
"""
    subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"DEVICE": "auto"}, cwd=ROOT, check=True
    )


def test_a_library_loads_or_does_not() -> None:
    assert not device.loads("libno-such-driver.so")
    assert device.loads(ctypes.util.find_library("c") or "libSystem.dylib")


def test_cuda_needs_a_gpu(*, gpu: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVICE", "cuda")

    if gpu:
        assert device.choose() == "cuda"
    else:
        with pytest.raises(
            SettingError, match=r"DEVICE = 'cuda', but .* 0 GPUs here for 1 workers"
        ):
            device.choose()


def test_each_worker_of_a_machine_needs_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "loads", lambda _: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setenv("DEVICE", "auto")
    assert device.choose() == "cuda"

    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    assert device.choose() == "cpu"
    monkeypatch.setenv("DEVICE", "cuda")
    with pytest.raises(SettingError, match=r"2 GPUs here for 3 workers; .* fewer WORKERS"):
        device.choose()


@pytest.mark.parametrize("wanted", ["CPU", "gpu", "cuda:1"])
def test_other_words_are_refused(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVICE", wanted)

    with pytest.raises(SettingError, match=f"DEVICE = '{wanted}' should be auto, cpu or cuda"):
        device.choose()
