"""What DEVICE asks for, and that arrays come back from where they go."""

import numpy as np
import pytest
import torch
from tiny import TORCH_DEVICES, on_torch

from softmax import device
from softmax.errors import SettingError


@pytest.fixture(params=[False, True], ids=["no GPU", "GPU"])
def gpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """A machine without and with a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: request.param)
    return bool(request.param)


@pytest.mark.parametrize("wanted", [None, "auto"])
def test_auto_takes_the_gpu_if_there_is_one(
    wanted: str | None, *, gpu: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DEVICE", raising=False)
    if wanted:
        monkeypatch.setenv("DEVICE", wanted)

    assert device.choose() == ("cuda" if gpu else "cpu")


@pytest.mark.usefixtures("gpu")
def test_cpu_is_cpu_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVICE", "cpu")

    assert device.choose() == "cpu"


def test_cuda_needs_a_gpu(*, gpu: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVICE", "cuda")

    if gpu:
        assert device.choose() == "cuda"
    else:
        with pytest.raises(SettingError, match=r"DEVICE = 'cuda', but .* use auto or cpu"):
            device.choose()


@pytest.mark.parametrize("wanted", ["", "CPU", "gpu", "cuda:1"])
def test_other_words_are_refused(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVICE", wanted)

    with pytest.raises(SettingError, match=f"DEVICE = '{wanted}' should be auto, cpu or cuda"):
        device.choose()


def test_the_cpu_computes_with_numpy() -> None:
    array = np.arange(3)

    assert device.upload(array, "cpu") is array
    assert device.download(array) is array


@pytest.mark.parametrize("name", TORCH_DEVICES)
def test_torch_arrays_come_back_as_numpy(name: str) -> None:
    array = device.download(on_torch(np.arange(3), name))

    assert isinstance(array, np.ndarray)
    assert array.tolist() == [0, 1, 2]


@pytest.mark.parametrize("columns", [1, 7, 8, 785])
def test_aligned_rows_begin_on_cache_lines(columns: int) -> None:
    for like in (np.empty(0), torch.empty(0)):
        array = device.aligned(3, columns, like)
        addresses = [row.__array_interface__["data"][0] for row in map(device.download, array)]

        assert array.shape == (3, columns)
        assert not array.any()
        assert [address % 64 for address in addresses] == [0, 0, 0]
