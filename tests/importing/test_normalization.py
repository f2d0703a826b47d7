"""Normalization by fractions. tests/report/test_page_arithmetic.py has the page's JavaScript."""

import math
from fractions import Fraction

import numpy as np
import pytest
from helpers import samples
from helpers.samples import Ink
from hypothesis import given, settings

from softmax.data.normalization import normalize


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


@pytest.mark.parametrize("name", samples.EDGES)
def test_the_edges_of_what_can_be_drawn_are_what_the_specification_says(name: str) -> None:
    assert (normalize(samples.EDGES[name]) == by_fractions(samples.EDGES[name])).all()


@settings(max_examples=20)
@given(samples.INKS)
def test_it_is_what_the_specification_says(strokes: Ink) -> None:
    assert (normalize(strokes) == by_fractions(strokes)).all()
