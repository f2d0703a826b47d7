"""Test the device that the environment variable DEVICE chooses."""

import ctypes.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers.shared import ROOT

from softmax.errors import EnvironmentVariableError
from softmax.training import launcher

TOO_FEW = (
    "DEVICE = 'cuda' needs one GPU per worker: {} needed, {} found. Use DEVICE=auto, or lower "
    "WORKERS if it is set."
)


@pytest.mark.parametrize(
    ("wanted", "workers", "gpus", "chosen"),
    [
        *[(None, 1, 1, "cuda"), ("", 1, 1, "cuda"), ("auto", 1, 0, "cpu"), ("cpu", 1, 1, "cpu")],
        *[("auto", 2, 2, "cuda"), ("cuda", 2, 2, "cuda")],
        ("auto", 3, 2, "cpu"),  # each worker of a machine needs a GPU
        ("cuda", 1, 0, TOO_FEW.format(1, 0)),
        ("cuda", 3, 2, TOO_FEW.format(3, 2)),
        ("CPU", 1, 1, "DEVICE = 'CPU' should be auto, cpu or cuda"),
        ("cuda:1", 1, 1, "DEVICE = 'cuda:1' should be auto, cpu or cuda"),
    ],
)
def test_auto_uses_one_gpu_per_worker_and_cuda_requires_them(
    wanted: str | None, workers: int, gpus: int, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "loads", lambda _: True)  # as if a driver were installed
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(workers))
    monkeypatch.delenv("DEVICE", raising=False)
    if wanted is not None:
        monkeypatch.setenv("DEVICE", wanted)
    try:
        found = launcher.choose()
    except EnvironmentVariableError as error:
        found = str(error)
    assert found == chosen


def test_without_a_driver_torch_is_not_imported() -> None:
    program = """
import sys
from softmax.training import launcher
launcher.DRIVERS = ("libno-such-driver.so",)
assert launcher.choose() == "cpu"
assert "torch" not in sys.modules
"""
    subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"DEVICE": "auto"}, cwd=ROOT, check=True
    )


def test_loads_returns_whether_a_library_exists() -> None:
    assert not launcher.loads("libno-such-driver.so")
    assert launcher.loads(ctypes.util.find_library("c") or "libSystem.dylib")


def test_cpu_count_respects_affinity_and_quota(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(launcher, "QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 4})
    for quota, count in {"max 100000": 3, "150000 100000": 2, "900000 100000": 3}.items():
        (tmp_path / "cpu.max").write_text(quota)
        assert launcher.cpus() == count
