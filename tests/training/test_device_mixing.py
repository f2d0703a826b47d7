"""Test that all tensors stay on the GPU, with torch's fake tensors, which need no GPU.

Fake tensors compute nothing, but raise an error in operations on tensors of two devices.
"""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from helpers import tiny
from torch._subclasses.fake_tensor import FakeTensorMode

from softmax.core import model
from softmax.core.arrays import Array
from softmax.core.batches import Dataset
from softmax.errors import DeviceError
from softmax.training import scoring
from softmax.training.fitting import Trainer


@pytest.fixture
def data() -> Iterator[Dataset]:
    """Yield a data set on a fake GPU."""
    with FakeTensorMode():
        yield tiny.dataset(23).to("cuda")


def assert_on_gpu(*arrays: Array) -> None:
    """Assert that all arrays are on the GPU."""
    assert {array.device.type for array in arrays} == {"cuda"}


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam"])
def test_steps_and_scores_stay_on_the_device(data: Dataset, optimizer: str) -> None:
    params = tiny.params(optimizer=optimizer, schedule="cosine", weight_decay=0.1, averaging=0.9)
    kept, validation_set = data.split(5)
    trainer = Trainer(kept, [params, params])
    losses, _ = trainer.take_steps(1)

    averaged = trainer.state.averaged()
    assert_on_gpu(losses, trainer.state.theta, averaged)
    assert_on_gpu(trainer.sums(averaged, validation_set), scoring.sums(averaged[0], kept))


def test_the_exactness_check_stays_on_the_device(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fake tensors have no values, so the products are replaced by nan and must fail the check."""

    def wrong(z: Array) -> Array:
        assert_on_gpu(z)
        return np.full(tuple(z.shape), np.nan)

    monkeypatch.setattr(model, "to_numpy", wrong)
    with pytest.raises(DeviceError, match="matrix products are not exact on this device"):
        model.check_products(torch.zeros((data.classes, 7), device="cuda"))
