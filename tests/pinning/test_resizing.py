"""Resizing: the mean of what a pixel covers, as fractions say it."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from softmax.pinning.resizing import resize

sides = st.integers(1, 9)


def mean(image: np.ndarray, rows: int, columns: int, i: int, j: int) -> int:
    """The pixel (i, j) of `image` in another size, from the definition; halves are rounded up."""
    total = Fraction(0)
    for k, row in enumerate(image.tolist()):
        for m, value in enumerate(row):
            high = overlap(i, k, Fraction(image.shape[0], rows))
            total += value * high * overlap(j, m, Fraction(image.shape[1], columns))
    return floor(total * rows * columns / image.size + Fraction(1, 2))


def overlap(new: int, old: int, scale: Fraction) -> Fraction:
    """How much of the old pixel the new one covers, of which each is `scale` old ones long."""
    start, end = max(new * scale, Fraction(old)), min((new + 1) * scale, Fraction(old + 1))
    return max(Fraction(0), end - start)


@settings(max_examples=30)
@given(sides, sides, sides, sides, st.integers(0, 2**32))
def test_each_pixel_is_the_mean_of_what_it_covers(
    old_rows: int, old_columns: int, rows: int, columns: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    image = random.integers(256, size=(old_rows, old_columns), dtype=np.uint8)
    expected = [[mean(image, rows, columns, i, j) for j in range(columns)] for i in range(rows)]
    assert resize(image, rows, columns).tolist() == expected


def test_halves_are_rounded_up() -> None:
    image = np.array([[0, 1], [3, 0]], np.uint8)
    assert resize(image, 2, 1).tolist() == [[1], [2]]


@pytest.mark.parametrize("rgb", [False, True])
def test_it_is_near_to_pillows(rgb: bool) -> None:
    random = np.random.default_rng(0)
    image = random.integers(256, size=(300, 200, 3)[: 2 + rgb], dtype=np.uint8)
    other = Image.fromarray(image).resize((17, 28), Image.Resampling.BOX, reducing_gap=None)
    assert np.abs(resize(image, 28, 17).astype(int) - np.asarray(other)).max() <= 8


def test_white_stays_white_at_any_size() -> None:
    image = np.full((1999, 3001), 255, np.uint8)
    assert resize(image, 28, 28).tolist() == np.full((28, 28), 255).tolist()
