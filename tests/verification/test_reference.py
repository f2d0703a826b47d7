"""Test that the project and verification/reference.py give the same bits."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import samples
from helpers.shared import ROOT
from helpers.workspace import Workspace

from softmax.core import arithmetic, model
from softmax.core.batches import Dataset
from softmax.pipeline import params
from softmax.pipeline.params import Train
from softmax.training import fitting, optimizers
from softmax.training.state import Hyperparameters
from verification import reference


def everything(optimizer: str) -> Train:
    """Return params in which every option is on."""
    steps = {"seed": 2**64 - 1, "validation": 500, "epochs": 2, "batch_size": 4, "averaging": 0.9}
    rates = {"learning_rate": 3.0, "schedule": "cosine", "momentum": 0.9, "weight_decay": 0.001}
    return Train.model_validate({"optimizer": optimizer, **steps, **rates})


@pytest.mark.parametrize(
    ("optimizer", "classes", "features"),
    [(name, 10, 784) for name in optimizers.OPTIMIZERS]
    + [("adam", 2, 1), ("adam", 3, 1800), ("adam", 47, 1024), ("adam", 300, 12)],
)
def test_each_optimizer_equals_the_reference(optimizer: str, classes: int, features: int) -> None:
    """Turn all options on. With a large learning rate, rounding to the grid hides few bits."""
    train = everything(optimizer)
    random = np.random.default_rng(0)
    images = random.integers(256, size=(1101, features), dtype=np.uint8)
    images *= random.random(images.shape) < 0.2  # most pixels are 0, as in MNIST
    data = Dataset(images, random.integers(classes, size=len(images)), classes)
    kept, validation_set = data.split(train.validation)  # the last batch has one image
    *_, epoch = fitting.fit(
        kept, validation_set, Hyperparameters(**train.model_dump(exclude={"validation"}))
    )

    *_, (theta, losses) = reference.fit(*data, train)

    assert theta.shape == (classes, features + 1)
    assert reference.file(theta) == model.to_bytes(epoch.theta)
    assert losses == epoch.batch_losses
    assert (*reference.score(theta, *kept[:2]), len(kept.labels)) == epoch.training
    assert epoch.validation is not None
    assert reference.score(theta, *validation_set[:2]) == epoch.validation[:2]


def test_exp_and_log_equal_the_reference_to_the_last_bit() -> None:
    """Compare values before they are snapped, as the next two tests do.

    Weights hardly depend on the order of operations, because snap absorbs the last bits.
    """
    x = np.append(samples.exp_samples(), -800)
    total = 1 + 9 * np.random.default_rng(0).random(9999)
    assert reference.exp(x).tobytes() == arithmetic.exp(x).tobytes()
    assert reference.log(total).tobytes() == arithmetic.log(total).tobytes()


def test_logits_and_gradients_equal_the_reference_to_the_last_bit() -> None:
    random = np.random.default_rng(0)
    theta, p = reference.start(784, classes=10, seed=0), random.integers(256, size=(37, 785))
    y = np.arange(37) % 10
    x = p.T.astype(np.float64)

    z = model.logits(theta, x)
    assert reference.logits(theta, p).T.tobytes() == z.tobytes()
    e, total = reference.exponentials(z.T)
    assert (e / total).T.tobytes() == model.softmax(z).tobytes()
    total = model.gradient_sum(model.residuals(model.softmax(z), np.eye(10)[:, y]), x)
    expected = reference.gradient(z.T, p, y)
    assert expected.tobytes() == model.mean_gradient(total, len(y)).tobytes()


@pytest.mark.parametrize("optimizer", optimizers.OPTIMIZERS)
def test_directions_and_rates_equal_the_reference_to_the_last_bit(optimizer: str) -> None:
    train = everything(optimizer)
    state = SimpleNamespace(m=np.zeros(999), v=np.zeros(999), p1=1.0, p2=1.0)
    step, corrections = optimizers.OPTIMIZERS[optimizer], optimizers.corrections()
    memory = (0.0, 0.0)

    for t, g in enumerate(np.random.default_rng(0).normal(size=(50, 999))):
        direction, memory = step(g, memory, train.momentum, next(corrections), np.sqrt)
        assert reference.direction(g, state, train).tobytes() == direction.tobytes()
        rate = optimizers.scheduled(train.learning_rate, train.schedule, t, 50)
        assert reference.rate(t, 50, train) == rate


def test_training_with_numpy_alone_detects_different_weights(workspace: Workspace) -> None:
    command, config = [sys.executable, "-m", "verification.alone"], params.load().model_dump_json()
    workspace.monkeypatch.setenv("PYTHONPATH", str(ROOT))
    printed = subprocess.check_output(command, input=config, text=True)
    assert printed.endswith("\nidentical to models/softmax.safetensors\n")
    workspace.set(train={"seed": 9})
    workspace.run("train")
    assert subprocess.run(command, input=config, text=True, check=False).returncode == 1
