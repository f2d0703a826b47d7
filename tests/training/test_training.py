"""Test that training matches the lecture's loop, and that NumPy, torch and workers agree."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from threading import Barrier
from typing import Any

import numpy as np
import pytest
import torch
from helpers import tiny
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch.nn import functional

from softmax.core.arrays import Array
from softmax.core.batches import Dataset
from softmax.core.workers import Workers
from softmax.errors import RangeError
from softmax.training import fitting, randomness, scoring
from softmax.training.fitting import Epoch, Trainer
from softmax.training.state import Hyperparameters, TrainState

COUNT = 23  # images: five batches of four, and one of three


def fit(data: Dataset, params: Hyperparameters, validation_set: int = 0) -> list[Epoch]:
    """Return all epochs of a training, which runs as in stage train."""
    return list(fitting.fit(*data.split(validation_set), params))


def comparable(epochs: list[Epoch]) -> list[dict[str, Any]]:
    """Return epochs as dictionaries that can be compared, with theta as bytes."""
    return [epoch._asdict() | {"theta": epoch.theta.tobytes()} for epoch in epochs]


def lecture_loop(data: Dataset, params: Hyperparameters) -> tuple[NDArray[np.float64], list[float]]:
    """Return theta and the loss of each batch from torch's layer, loss, autograd and SGD."""
    images, labels = torch.tensor(data.images / 255), torch.tensor(data.labels)
    layer = torch.nn.Linear(images.shape[1], 10, dtype=torch.float64)
    start = torch.tensor(
        randomness.initial_weights(images.shape[1], params.seed, classes=tiny.CLASSES)
    )
    layer.load_state_dict({"weight": start[:, :-1], "bias": start[:, -1]})
    optimizer = torch.optim.SGD(layer.parameters(), lr=params.learning_rate)
    losses = []
    for epoch in range(1, params.epochs + 1):
        order = randomness.permutation(len(labels), params.seed, epoch)
        for first in range(0, len(labels), params.batch_size):
            batch = order[first : first + params.batch_size]
            optimizer.zero_grad()
            loss = functional.cross_entropy(layer(images[batch]), labels[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(loss.item())
    weight, bias = (parameter.detach().numpy() for parameter in layer.parameters())
    return np.column_stack([weight, bias]), losses


def test_training_matches_the_lectures_loop() -> None:
    """Train on 211 batches per epoch, the last with one image; every 21st loss is reported."""
    data = tiny.dataset(421)
    params = tiny.params(epochs=2, batch_size=2)
    theta, losses = lecture_loop(data, params)

    epochs = fit(data, params)

    np.testing.assert_allclose(epochs[-1].theta, theta, rtol=0, atol=1e-6)
    assert [epoch.number for epoch in epochs] == [1, 2]
    assert [epoch.batches for epoch in epochs] == [211, 211]
    for epoch, of_batches in zip(epochs, (losses[:211], losses[211:]), strict=True):
        expected = {batch: of_batches[batch - 1] for batch in range(21, 212, 21)}
        assert epoch.batch_losses == pytest.approx(expected, abs=1e-6)


@given(st.integers(1, 3000))
def test_losses_are_reported_ten_times_an_epoch_or_every_100_batches(batches: int) -> None:
    every = fitting.report_every(batches)
    assert batches // every >= min(batches, 10) or every == 100 <= batches / 9
    assert every == 100 or (every < 100 and batches < 900 and batches // every < 20)


@pytest.mark.parametrize("device", tiny.TORCH_DEVICES)
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam"])
def test_torch_gives_the_same_bytes(optimizer: str, device: str) -> None:
    data = tiny.dataset(COUNT)
    moved = data.map(lambda array: tiny.on_torch(array, device))

    for schedule, averaging, weight_decay, validation_set in product(
        ["constant", "cosine"], [0.0, 0.9], [0.0, 0.01], [0, 5]
    ):
        params = tiny.params(
            optimizer=optimizer, schedule=schedule, averaging=averaging, weight_decay=weight_decay
        )
        found, expected = (comparable(fit(each, params, validation_set)) for each in (moved, data))
        assert found == expected, params


@pytest.mark.parametrize("batch_size", [2, 7, 100])
def test_three_workers_give_the_bytes_of_one(
    batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Emulate workers by threads. Batches have 2 or 7 images, or all images."""
    data = tiny.dataset(100)
    params = tiny.params(batch_size=batch_size, optimizer="momentum", averaging=0.5)
    alone = comparable(fit(data, params, validation_set=10))
    barrier, shares = Barrier(3), dict[int, Array]()

    def add(worker: Workers, array: Array) -> Array:
        shares[worker.rank] = array.copy()
        barrier.wait(timeout=60)
        array[...] = sum(shares.values())
        barrier.wait(timeout=60)
        return array

    def work(rank: int) -> list[dict[str, Any]]:
        return comparable([*fitting.fit(*data.split(10), params, Workers(rank, 3, launcher=0))])

    monkeypatch.setattr(Workers, "sum", add)
    with ThreadPoolExecutor(3) as pool:
        assert [*pool.map(work, range(3))] == [alone] * 3


@pytest.mark.parametrize("convert", [lambda x: x, lambda x: tiny.on_torch(x, "cpu")])
def test_models_trained_together_equal_models_trained_alone(convert: Callable[[Any], Any]) -> None:
    data = tiny.dataset(COUNT)
    kept, validation_set = data.map(convert).split(5)
    rates = [{}, {"averaging": 0.9}, {"weight_decay": 0.01}, {"learning_rate": 0.3}]

    for name, schedule in product(["sgd", "momentum", "nesterov", "adam"], ["constant", "cosine"]):
        configs = [tiny.params(optimizer=name, schedule=schedule, **rate) for rate in rates]
        together = list(fitting.fit_together(Trainer(kept, configs), validation_set))
        for number, config in enumerate(configs):
            epochs = [one[number] for one in together]
            assert comparable(
                [epoch for epoch in epochs if isinstance(epoch, Epoch)]
            ) == comparable(fit(data, config, validation_set=5)), config


def test_a_model_out_of_range_does_not_affect_the_others() -> None:
    data = tiny.dataset(COUNT)
    configs = [tiny.params(), tiny.params(learning_rate=1e9), tiny.params(learning_rate=0.2)]

    kept, validation_set = data.split(0)
    early, *_, last = fitting.fit_together(Trainer(kept, configs), validation_set)

    with pytest.raises(RangeError, match=re.escape(str(early[1]))):
        fit(data, configs[1])
    assert isinstance(last[1], RangeError)
    for hyperparameters, epoch in ((configs[0], last[0]), (configs[2], last[2])):
        assert isinstance(epoch, Epoch)
        assert epoch.theta.tobytes() == fit(data, hyperparameters)[-1].theta.tobytes()


def test_a_model_that_was_out_of_range_only_briefly_is_rejected() -> None:
    start = randomness.initial_weights(6, seed=0, classes=tiny.CLASSES)
    state = TrainState(start[None], [tiny.params(learning_rate=1.0)], steps=2)
    push = np.full((1, 10, 7), 8192.0)
    state.step(push)
    state.step(-push)

    assert abs(state.theta).max() < 1
    with pytest.raises(RangeError, match="the weights of a class"):
        state.check(0, state.averaged())


@pytest.mark.parametrize("chunk", [1, 4, 23])
def test_scores_do_not_depend_on_chunk_size(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    theta, data = randomness.initial_weights(6, seed=0, classes=tiny.CLASSES), tiny.dataset(COUNT)
    expected = scoring.score(theta, data)
    monkeypatch.setattr(scoring, "CHUNK", chunk)

    assert scoring.score(theta, data) == expected
