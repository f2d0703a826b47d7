"""MNIST's normalization: by fractions, in Python, and in the page's JavaScript, to the last bit."""

import base64
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from playwright.sync_api import Page

from softmax.prediction.normalization import normalize

Ink = NDArray[np.uint8]

INKS = arrays(
    np.uint8,
    st.tuples(st.integers(1, 50), st.integers(1, 50)),
    elements=st.integers(0, 255),
    fill=st.just(0),
)


def in_javascript(script: Page, ink: Ink) -> Ink:
    """Return the same by the page: (28, 28)."""
    pixels = script.evaluate(
        """([ink, columns]) => btoa(String.fromCharCode(...normalize(
             Uint8Array.from(atob(ink), (character) => character.charCodeAt(0)), columns)))""",
        [base64.b64encode(ink.tobytes()).decode(), ink.shape[1]],
    )
    return np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(28, 28)


def by_fractions(ink: Ink) -> Ink:
    """Return the same as docs/predict.md has it, cell by cell."""
    image = np.zeros((28, 28), np.uint8)
    inked = np.argwhere(ink)
    if not len(inked):
        return image
    start, end = inked.min(axis=0), inked.max(axis=0) + 1
    size = Fraction(int(max(end - start)), 20)
    means = {(y, x): Fraction() for y in range(20) for x in range(20)}
    for place in inked.tolist():
        row, column = (pixels(n - int(first), size) for n, first in zip(place, start, strict=True))
        for y, height in row:
            for x, width in column:
                means[y, x] += int(ink[*place]) * height * width / size**2
    mass = sum(means.values(), Fraction())
    moments = [
        sum((m * (yx[axis] + Fraction(1, 2)) for yx, m in means.items()), Fraction())
        for axis in (0, 1)
    ]
    down, right = (nearest(14 - moment / mass) for moment in moments)
    for (y, x), mean in means.items():
        if 0 <= x + right < 28 and 0 <= y + down < 28:
            image[y + down, x + right] = nearest(mean)
    return image


def pixels(cell: int, size: Fraction) -> list[tuple[int, Fraction]]:
    """Return the pixels, `size` cells long, that share something with a cell, and how much."""
    shared = [
        (n, min(Fraction(cell + 1), (n + 1) * size) - max(Fraction(cell), n * size))
        for n in range(20)
    ]
    return [(n, length) for n, length in shared if length > 0]


def nearest(x: Fraction) -> int:
    """Return the nearest whole number, of two the larger one."""
    return math.floor(x + Fraction(1, 2))


def dots(shape: tuple[int, int], shades: dict[tuple[int, int], int]) -> Ink:
    """Return an ink of single cells."""
    ink = np.zeros(shape, np.uint8)
    for place, shade in shades.items():
        ink[place] = shade
    return ink


EDGES = {
    "nothing": np.zeros((28, 28), np.uint8),
    "one cell": np.full((1, 1), 255, np.uint8),
    "a dot in a corner": dots((280, 280), {(279, 279): 255}),
    "a faint dot": dots((9, 30), {(0, 0): 1}),
    "a full square": np.full((280, 280), 255, np.uint8),
    "a row": np.full((1, 300), 200, np.uint8),
    "a column": np.full((300, 1), 200, np.uint8),
    "dots too faint to be seen": dots((300, 100), {(0, 0): 1, (299, 99): 1}),
    "halves": dots((40, 40), {(0, 0): 2, (0, 1): 255, (1, 0): 1, (39, 39): 253}),
    "a large field": np.random.default_rng(0).integers(256, size=(1024, 768)).astype(np.uint8),
    "cut off": np.pad(np.full((200, 4), 255, np.uint8), ((0, 0), (0, 196)))
    + dots((200, 200), {(100, 199): 9}),
}


FEW = {name: ink for name, ink in EDGES.items() if np.count_nonzero(ink) < 1000}


@pytest.mark.parametrize("name", FEW)
def test_the_edges_of_what_can_be_drawn_are_what_the_specification_says(name: str) -> None:
    assert (normalize(EDGES[name]) == by_fractions(EDGES[name])).all()


@settings(max_examples=20)
@given(INKS.filter(lambda ink: np.count_nonzero(ink) < 200))
def test_it_is_what_the_specification_says(ink: Ink) -> None:
    assert (normalize(ink) == by_fractions(ink)).all()


def test_both_languages_agree_on_the_edges_of_what_can_be_drawn(script: Page) -> None:
    for name, ink in EDGES.items():
        assert (in_javascript(script, ink) == normalize(ink)).all(), name


def test_both_languages_agree_on_strokes(script: Page) -> None:
    """Draw as on the pad, soft at their edges, on fields of many sizes and shapes."""
    random = np.random.default_rng(0)
    for shape in [(280, 280)] * 20 + [(300, 61), (61, 300), (33, 280), (20, 20), (7, 90), (5, 5)]:
        rows, columns = shape
        field = Image.new("L", (4 * columns, 4 * rows))
        points = random.random((random.integers(2, 7), 2)) * [4 * columns, 4 * rows]
        ImageDraw.Draw(field).line(points.ravel().tolist(), 255, width=int(random.integers(4, 100)))
        ink = np.asarray(field.reduce(4))
        assert ink.shape == shape
        assert (in_javascript(script, ink) == normalize(ink)).all()


@given(INKS)
def test_both_languages_agree_on_anything(script: Page, ink: Ink) -> None:
    assert (in_javascript(script, ink) == normalize(ink)).all()
