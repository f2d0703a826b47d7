"""Normalization by fractions, and what Python and the page's JavaScript both compute."""

import base64
import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from helpers import workspace
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from softmax.cli import predict
from softmax.core import model
from softmax.data.normalization import normalize

Ink = NDArray[np.uint8]

SHAPES = st.tuples(st.integers(1, 50), st.integers(1, 50))
INKS = arrays(np.uint8, SHAPES, elements=st.integers(0, 255), fill=st.just(0))


@pytest.fixture(scope="module")
def script(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The report of the tiny workspace, whose functions are its window's."""
    directory = workspace.copy(tmp_path_factory.mktemp("workspace") / "copy")
    with browser.new_page() as page:
        page.goto((directory / "report/index.html").as_uri())
        for name in ("contributions", "normalization"):
            page.evaluate(f"import('softmax/{name}').then((all) => Object.assign(window, all))")
        yield page


def in_javascript(script: Page, strokes: Ink) -> Ink:
    """Return the same by the page: (28, 28)."""
    pixels = script.evaluate(
        """([ink, columns]) => btoa(String.fromCharCode(...normalize(
             Uint8Array.from(atob(ink), (character) => character.charCodeAt(0)), columns)))""",
        [base64.b64encode(strokes.tobytes()).decode(), strokes.shape[1]],
    )
    return np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(28, 28)


def by_fractions(strokes: Ink) -> Ink:
    """Return the same as docs/image-preparation.md has it, pixel by pixel."""
    image = np.zeros((28, 28), np.uint8)
    if not strokes.any():
        return image
    inked = np.argwhere(strokes)
    drawn = strokes[inked[:, 0].min() :, inked[:, 1].min() :]
    size = max(np.ptp(inked, axis=0)) + 1
    sums = np.zeros((size, size), np.int64)
    sums[: drawn.shape[0], : drawn.shape[1]] = drawn[:size, :size]
    for _ in "yx":  # in twentieths of a cell, of which a pixel covers `size`
        sums = sums.repeat(20, axis=0).reshape(20, size, -1).sum(axis=1).T
    moments = [int(sums.sum(axis=axis) @ (2 * np.arange(20) + 1)) for axis in (1, 0)]
    down, right = (nearest(14 - Fraction(moment, 2 * int(sums.sum()))) for moment in moments)
    for (y, x), shade in np.ndenumerate(sums):
        if 0 <= x + right < 28 and 0 <= y + down < 28:
            image[y + down, x + right] = nearest(Fraction(int(shade), size**2))
    return image


def nearest(x: Fraction) -> int:
    """Return the nearest whole number, of two the larger one."""
    return math.floor(x + Fraction(1, 2))


def dots(shape: tuple[int, int], shades: dict[tuple[int, int], int]) -> Ink:
    """Return an ink of single cells."""
    strokes = np.zeros(shape, np.uint8)
    for place, shade in shades.items():
        strokes[place] = shade
    return strokes


EDGES = {
    "nothing": np.zeros((28, 28), np.uint8),
    "a dot in a corner": dots((280, 280), {(279, 279): 255}),
    "a full square": np.full((280, 280), 255, np.uint8),
    "a row": np.full((1, 300), 200, np.uint8),
    "dots too faint to be seen": dots((300, 100), {(0, 0): 1, (299, 99): 1}),
    "halves": dots((40, 40), {(0, 0): 2, (0, 1): 255, (1, 0): 1, (39, 39): 253}),
    "a large field": np.random.default_rng(0).integers(256, size=(1024, 768)).astype(np.uint8),
    "cut off": np.pad(np.full((200, 4), 255, np.uint8), ((0, 0), (0, 196)))
    + dots((200, 200), {(100, 199): 9}),
}


@pytest.mark.parametrize("name", EDGES)
def test_the_edges_of_what_can_be_drawn_are_what_the_specification_says(name: str) -> None:
    assert (normalize(EDGES[name]) == by_fractions(EDGES[name])).all()


@settings(max_examples=20)
@given(INKS)
def test_it_is_what_the_specification_says(strokes: Ink) -> None:
    assert (normalize(strokes) == by_fractions(strokes)).all()


def test_both_languages_agree_on_the_edges_of_what_can_be_drawn(script: Page) -> None:
    for name, strokes in EDGES.items():
        assert (in_javascript(script, strokes) == normalize(strokes)).all(), name


@given(INKS)
def test_both_languages_agree_on_anything(script: Page, strokes: Ink) -> None:
    assert (in_javascript(script, strokes) == normalize(strokes)).all()


def test_what_pixels_add_is_what_the_page_shows(script: Page) -> None:
    random = np.random.default_rng(0)
    theta = np.ldexp(random.integers(-(2**29), 2**29, (4, 28 * 28 + 1)).astype(np.float64), -30)
    pixels = random.integers(256, size=(28, 28)).astype(np.uint8)
    z = model.logits(theta, np.append(pixels, 255.0)[:, None])[:, 0]
    winner, rival = np.argsort(-z)[:2].tolist()
    rows = predict.contributions(theta, pixels)
    assert rows.sum(axis=1) == pytest.approx([z[winner], z[rival], z[winner] - z[rival]])
    shown = script.evaluate(
        """([winner, rival, pixels]) => [winner, rival, minus(winner, rival)].map(
             (row) => [...contributions(row, pixels)])""",
        [theta[winner].tolist(), theta[rival].tolist(), pixels.ravel().tolist()],
    )
    assert (rows[:, :-1] == np.array(shown)).all()
