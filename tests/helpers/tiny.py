"""Make a data set and hyperparameters that train in milliseconds, in NumPy and in torch."""

from typing import Any

import numpy as np
import pytest
import torch

from softmax.core.arrays import Array
from softmax.core.batches import Dataset
from softmax.training import randomness
from softmax.training.state import Hyperparameters

torch.set_num_threads(1)  # on a busy machine, waiting for threads takes longer than their work

CLASSES = 10
GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
TORCH_DEVICES = ["cpu", pytest.param("cuda", marks=GPU)]


def dataset(count: int, features: int = 6) -> Dataset:
    """Return `count` noisy images, whose class sets which pixels are light."""
    labels = randomness.permutation(count, seed=0, stream=0) % CLASSES
    light = randomness.uniform(CLASSES * features, seed=0, stream=1).reshape(CLASSES, features)
    noise = randomness.uniform(count * features, seed=0, stream=2).reshape(count, features)
    images = 128 + 64 * light[labels] + 63 * noise
    return Dataset(images.astype(np.uint8), labels.astype(np.uint8), CLASSES)


def params(**changes: Any) -> Hyperparameters:
    """Return the hyperparameters of a short training with plain SGD, with `changes`."""
    defaults: dict[str, Any] = {"seed": 0, "epochs": 3, "batch_size": 4, "optimizer": "sgd"}
    defaults |= {"learning_rate": 0.1, "schedule": "constant", "momentum": 0.9}
    defaults |= {"weight_decay": 0.0, "averaging": 0.0}
    return Hyperparameters(**(defaults | changes))


def on_torch(array: Array, device: str) -> torch.Tensor:
    """Return a copy of `array` as a torch tensor on `device`."""
    return torch.tensor(array, device=device)
