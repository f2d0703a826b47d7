"""The maps of what pixels add are the page's, and add up to scores."""

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from softmax.core import model
from softmax.prediction import explanation
from softmax.results.images import DIVERGING

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


def test_the_maps_add_up_to_scores_and_are_drawn_on_one_scale() -> None:
    rows = explanation.contributions(THETA, PIXELS)
    assert rows.sum(axis=1) == pytest.approx([Z[WINNER], Z[RIVAL], Z[WINNER] - Z[RIVAL]])
    picture = Image.open(io.BytesIO(explanation.draw(THETA, PIXELS.reshape(14, 56), 1)))
    assert np.array(picture.getpalette()).tolist() == DIVERGING.ravel().tolist()
    drawn = np.asarray(picture)[1:-1, 1:].reshape(14, 3, 57)[:, :, :-1].swapaxes(0, 1)
    levels = rows[:, :-1] / abs(rows[:, :-1]).max() * 127 + 128
    assert (abs(levels - drawn.reshape(3, -1)) <= 0.5).all()
