"""Losses and right answers, by hand, and whatever the chunks."""

import math

import numpy as np
import pytest
from helpers import tiny

from softmax.core.arithmetic import LOSS_GRID
from softmax.core.batches import Dataset
from softmax.training import randomness, scoring


def test_score_by_hand() -> None:
    """Let z_3 = 2 x_0, z_9 = 1: an image with x_0 = 1 is a 3, one with x_0 = 0 a 9."""
    theta = np.zeros((10, 7))
    theta[3, 0], theta[9, 6] = 2, 1
    images = np.zeros((3, 6), np.uint8)
    images[0, 0] = 255
    loss, correct, total = scoring.score(theta, Dataset(images, np.array([3, 9, 0]), tiny.CLASSES))
    sums = 8 + math.exp(2) + math.exp(1), 9 + math.exp(1)
    losses = math.log(sums[0]) - 2, math.log(sums[1]) - 1, math.log(sums[1])

    assert loss == pytest.approx(sum(losses) / 3, rel=0, abs=LOSS_GRID / 2)
    assert (correct, total) == (2, 3)


@pytest.mark.parametrize("chunk", [1, 4, 23])
def test_score_does_not_depend_on_the_chunks(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    theta, data = randomness.initial_weights(6, seed=0, classes=tiny.CLASSES), tiny.dataset(23)
    expected = scoring.score(theta, data)
    monkeypatch.setattr(scoring, "CHUNK", chunk)

    assert scoring.score(theta, data) == expected
