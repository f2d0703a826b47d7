"""That the CPU computes with NumPy, and arrays lie as matrix products like them."""

import numpy as np
import pytest
import torch

from softmax.core import arrays


def test_the_cpu_computes_with_numpy() -> None:
    array = np.arange(3)

    assert arrays.upload(array, "cpu") is array
    assert arrays.to_numpy(array) is array


@pytest.mark.parametrize("columns", [1, 7, 8, 785])
def test_aligned_rows_begin_on_cache_lines(columns: int) -> None:
    for like in (np.empty(0), torch.empty(0)):
        array = arrays.aligned(3, columns, like)
        addresses = [row.__array_interface__["data"][0] for row in map(arrays.to_numpy, array)]

        assert array.shape == (3, columns)
        assert not array.any()
        assert [address % 64 for address in addresses] == [0, 0, 0]
