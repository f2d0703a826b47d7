"""Resizing: the mean of what a pixel covers."""

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


def mean(image: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.int64]:
    """Cut pixels into parts, so that a new one is the mean of whole parts; halves go up."""
    parts = image.astype(np.int64).repeat(rows, axis=0).repeat(columns, axis=1)
    old_rows, old_columns = image.shape
    sums = parts.reshape(rows, old_rows, columns, old_columns).sum(axis=(1, 3))
    return (2 * sums + image.size) // (2 * image.size)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sides, sides, sides, sides)
def test_each_pixel_is_the_mean_of_what_it_covers(
    pin: Pin, old_rows: int, old_columns: int, rows: int, columns: int
) -> None:
    images = noise(2, old_rows, old_columns)
    for image, pinned in zip(images, resized(pin, images, rows, columns), strict=True):
        assert (pinned == mean(image, rows, columns)).all()


def test_halves_are_rounded_up_and_white_stays_white(pin: Pin) -> None:
    halves = np.array([[[0, 1], [3, 0]]] * 2, np.uint8)
    assert resized(pin, halves, 2, 1)[0].tolist() == [[1], [2]]
    white = np.full((2, 999, 1501), 255, np.uint8)
    assert (resized(pin, white, 28, 28) == 255).all()
