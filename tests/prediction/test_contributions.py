"""The maps of what pixels add are the page's, and add up to scores."""

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from softmax.core import model
from softmax.prediction import explanation
from softmax.results.images import DIVERGING, LINE

RANDOM = np.random.default_rng(0)
THETA = np.ldexp(RANDOM.integers(-(2**29), 2**29, (4, 28 * 28 + 1)).astype(np.float64), -30)
PIXELS = RANDOM.integers(256, size=(28, 28)).astype(np.uint8)
Z = model.logits(THETA, np.append(PIXELS, 255.0)[:, None])[:, 0]
WINNER, RIVAL = np.argsort(-Z)[:2].tolist()


def test_what_pixels_add_is_what_the_page_shows(script: Page) -> None:
    rows = explanation.contributions(THETA, PIXELS)
    shown = script.evaluate(
        """([winner, rival, pixels]) => [winner, rival, minus(winner, rival)].map(
             (row) => [...contributions(row, pixels)])""",
        [THETA[WINNER].tolist(), THETA[RIVAL].tolist(), PIXELS.ravel().tolist()],
    )
    assert (rows[:, :-1] == np.array(shown)).all()


def test_each_map_adds_up_to_a_score_the_last_one_to_the_lead() -> None:
    sums = explanation.contributions(THETA, PIXELS).sum(axis=1)
    assert sums == pytest.approx([Z[WINNER], Z[RIVAL], Z[WINNER] - Z[RIVAL]])


@pytest.mark.parametrize("shape", [(28, 28), (14, 56)])
def test_the_three_maps_are_drawn_on_one_scale(shape: tuple[int, int]) -> None:
    picture = Image.open(io.BytesIO(explanation.draw(THETA, PIXELS.reshape(shape), 1)))
    levels = np.asarray(picture)
    rows = explanation.contributions(THETA, PIXELS)[:, :-1]
    height, width = shape
    assert levels.shape == (height + 2, 3 * (width + 1) + 1)
    assert (levels[:, :: width + 1] == LINE).all()
    assert np.array(picture.getpalette()).tolist() == DIVERGING.ravel().tolist()
    first = levels[1:-1, 1 : width + 1].ravel()
    assert (abs(rows[0] / abs(rows).max() * 127 + 128 - first) <= 0.5).all()
