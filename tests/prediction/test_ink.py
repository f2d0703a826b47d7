"""Ink is found in photos, and nothing else is taken for it."""

import numpy as np
import pytest
from prediction.photos import photographed, written

from softmax.errors import DataError
from softmax.prediction import ink


@pytest.mark.parametrize(("shade", "noise"), [(0, 0), (0.3, 10), (0.6, 25)])
@pytest.mark.parametrize("digit", "01478")
def test_ink_is_found_in_any_light(digit: str, shade: float, noise: float) -> None:
    ink_of_it = written(digit) > 0.5
    photo = photographed(written(digit), shade=shade, noise=noise)
    for gray, is_dark in ((photo, True), (255 - photo, False)):
        found, dark = ink.find(gray)
        assert dark == is_dark
        assert set(np.unique(found)) == {0, 255}
        assert np.count_nonzero((found > 0) != ink_of_it) < 0.1 * np.count_nonzero(ink_of_it)


def test_light_that_falls_off_to_the_edges_is_no_ink() -> None:
    y, x = np.mgrid[-1:1:400j, -1:1:400j]
    photo = photographed(written("7")) * (1 - 0.3 * (x**2 + y**2))
    found, dark = ink.find(photo.astype(np.uint8))
    assert dark
    assert np.count_nonzero((found > 0) != (written("7") > 0.5)) < 500


def test_small_strokes_outweigh_a_ground_that_is_no_quadratic_surface() -> None:
    """Draw with chalk on a gray board: in the mean the board is darker than its fit."""
    y, x = np.mgrid[-1:1:400j, -1:1:400j]
    chalk = np.zeros((400, 400))
    chalk[150:250, 150:250] = written("1", 100) > 0.5
    photo = ((120 + 110 * chalk) * (1 - 0.05 * (x**2 + y**2) ** 2)).astype(np.uint8)
    for gray, is_dark in ((photo, False), (255 - photo, True)):
        found, dark = ink.find(gray)
        assert dark == is_dark
        assert np.count_nonzero((found > 0) != (chalk > 0)) < 20


def test_dust_is_no_ink_but_parts_of_a_letter_are() -> None:
    page = written("1")
    page[380:384, 380:384] = 1
    assert not ink.find(photographed(page))[0][370:, 370:].any()
    letter = written("i")
    dot = slice(0, np.flatnonzero(~letter.any(axis=1) & (letter.cumsum(axis=0) > 0).any(axis=1))[0])
    assert ink.find(photographed(letter))[0][dot].any()


@pytest.mark.parametrize(("shade", "noise"), [(0, 0), (0, 30), (0.6, 5), (0.6, 20)])
def test_paper_alone_has_no_ink(shade: float, noise: float) -> None:
    with pytest.raises(DataError, match="no ink found"):
        ink.find(photographed(np.zeros((400, 300)), shade=shade, noise=noise))


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (3, 500)])
def test_what_is_too_small_for_a_ground_has_no_ink(shape: tuple[int, int]) -> None:
    for level in (0, 128, 255):
        with pytest.raises(DataError, match="no ink found"):
            ink.find(np.full(shape, level, np.uint8))
