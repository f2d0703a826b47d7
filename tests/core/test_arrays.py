"""That arrays come back from where they go, and lie as matrix products like them."""

import numpy as np
import pytest
import torch
from helpers.tiny import TORCH_DEVICES, on_torch

from softmax.core import arrays


def test_the_cpu_computes_with_numpy() -> None:
    array = np.arange(3)

    assert arrays.upload(array, "cpu") is array
    assert arrays.to_numpy(array) is array


@pytest.mark.parametrize("name", TORCH_DEVICES)
def test_torch_arrays_come_back_as_numpy(name: str) -> None:
    array = arrays.to_numpy(on_torch(np.arange(3), name))

    assert isinstance(array, np.ndarray)
    assert array.tolist() == [0, 1, 2]


@pytest.mark.parametrize("columns", [1, 7, 8, 785])
def test_aligned_rows_begin_on_cache_lines(columns: int) -> None:
    for like in (np.empty(0), torch.empty(0)):
        array = arrays.aligned(3, columns, like)
        addresses = [row.__array_interface__["data"][0] for row in map(arrays.to_numpy, array)]

        assert array.shape == (3, columns)
        assert not array.any()
        assert [address % 64 for address in addresses] == [0, 0, 0]
