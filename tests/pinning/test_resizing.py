"""Resizing: the mean of what a pixel covers, as fractions say it."""

from fractions import Fraction
from math import floor
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pinning.pins import Pin, noise

sides = st.integers(1, 9)


def resized(pin: Pin, images: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """Return two images as they are pinned in this size."""
    path = Path("images.npz")
    np.savez(path, x_train=images, y_train=[0, 1], x_test=images, y_test=[0, 1])
    training, _, test, _ = pin(path, size=f"{rows}x{columns}").arrays
    assert np.array_equal(training, test)
    return training


def mean(image: NDArray[np.uint8], rows: int, columns: int, i: int, j: int) -> int:
    """Return pixel (i, j) of `image` in another size, from the definition; halves go up."""
    total = Fraction(0)
    for k, row in enumerate(image.tolist()):
        for m, value in enumerate(row):
            high = overlap(i, k, Fraction(image.shape[0], rows))
            total += value * high * overlap(j, m, Fraction(image.shape[1], columns))
    return floor(total * rows * columns / image.size + Fraction(1, 2))


def overlap(new: int, old: int, scale: Fraction) -> Fraction:
    """Return how much of an old pixel a new one covers, which is as long as `scale` old ones."""
    start, end = max(new * scale, Fraction(old)), min((new + 1) * scale, Fraction(old + 1))
    return max(Fraction(0), end - start)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sides, sides, sides, sides)
def test_each_pixel_is_the_mean_of_what_it_covers(
    pin: Pin, old_rows: int, old_columns: int, rows: int, columns: int
) -> None:
    images = noise(2, old_rows, old_columns)
    for image, pinned in zip(images, resized(pin, images, rows, columns), strict=True):
        expected = [[mean(image, rows, columns, i, j) for j in range(columns)] for i in range(rows)]
        assert pinned.tolist() == expected


def test_halves_are_rounded_up(pin: Pin) -> None:
    images = np.array([[[0, 1], [3, 0]]] * 2, np.uint8)
    assert resized(pin, images, 2, 1)[0].tolist() == [[1], [2]]


def test_white_stays_white_at_any_size(pin: Pin) -> None:
    images = np.full((2, 999, 1501), 255, np.uint8)
    assert (resized(pin, images, 28, 28) == 255).all()
