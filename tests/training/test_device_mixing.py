"""A GPU without a GPU: torch's fake tensors are on "cuda" and compute nothing.

An operation on tensors of two devices is an error there, as it is on a GPU.
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
    """A data set on a GPU that need not be there."""
    with FakeTensorMode():
        yield tiny.dataset(23).to("cuda")


def assert_there(*arrays: Array) -> None:
    """Check that all arrays are on the GPU."""
    assert {array.device.type for array in arrays} == {"cuda"}


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam"])
def test_steps_and_scores_stay_on_the_device(data: Dataset, optimizer: str) -> None:
    params = tiny.params(optimizer=optimizer, schedule="cosine", weight_decay=0.1, averaging=0.9)
    kept, validation_set = data.split(5)
    trainer = Trainer(kept, [params, params])
    losses, _ = trainer.take_steps(1)

    averaged = trainer.state.averaged()
    assert_there(losses, trainer.state.theta, averaged)
    assert_there(trainer.sums(averaged, validation_set), scoring.sums(averaged[0], kept))


def test_the_exactness_check_stays_on_the_device(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the products be wrong, as there are none: they are compared once all is computed."""

    def wrong(z: Array) -> Array:
        assert_there(z)
        return np.full(tuple(z.shape), np.nan)

    monkeypatch.setattr(model, "to_numpy", wrong)
    with pytest.raises(DeviceError, match="matrix products are not exact on this device"):
        model.check_products(torch.zeros((data.classes, 7), device="cuda"))
