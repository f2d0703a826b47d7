"""Ink is found in photos, and nothing else is taken for it."""

import numpy as np
import pytest
from importing.photos import photographed, written
from numpy.typing import NDArray

from softmax.data import normalization
from softmax.errors import DataError

SQUARED = (np.mgrid[-1:1:400j, -1:1:400j] ** 2).sum(axis=0)  # distances from the middle
SEVEN = written("7")
CHALK = np.zeros((400, 400))
CHALK[150:250, 150:250] = written("1", 100) > 0.5
PHOTOS = {  # of dark ink
    f"{digit}, {shade}, {noise}": (
        written(digit),
        photographed(written(digit), shade=shade, noise=noise),
    )
    for digit in "01478"
    for shade, noise in ((0, 0), (0.3, 10), (0.6, 25))
}
PHOTOS["in light that falls off"] = (SEVEN, photographed(SEVEN) * (1 - 0.3 * SQUARED))
BOARD = 255 - (120 + 110 * CHALK) * (1 - 0.05 * SQUARED**2)
PHOTOS["small, on a ground that is no quadratic surface"] = (CHALK, BOARD)


@pytest.mark.parametrize("name", PHOTOS)
def test_ink_is_found_in_any_light(name: str) -> None:
    drawn, photo = PHOTOS[name][0] > 0.5, PHOTOS[name][1].astype(np.uint8)
    for gray, is_dark in ((photo, True), (255 - photo, False)):
        found, dark = normalization.find(gray)
        assert dark == is_dark
        assert set(np.unique(found)) == {0, 255}
        assert np.count_nonzero((found > 0) != drawn) < 0.05 * np.count_nonzero(drawn)


def test_dust_and_smudges_are_no_ink_but_parts_of_a_letter_are() -> None:
    page = written("1")
    page[380:384, 380:384] = 1
    page[300:360, 20:80] = 0.25
    assert not normalization.find(photographed(page))[0][300:].any()
    letter = written("i")
    dot = slice(0, np.flatnonzero(~letter.any(axis=1) & (letter.cumsum(axis=0) > 0).any(axis=1))[0])
    assert normalization.find(photographed(letter))[0][dot].any()


PAPER = np.zeros((400, 300))


@pytest.mark.parametrize(
    "photo",
    [
        *(photographed(PAPER, shade=s, noise=n) for s, n in ((0, 0), (0, 30), (0.6, 5), (0.6, 20))),
        *(np.full(shape, 128, np.uint8) for shape in ((1, 1), (1, 2), (2, 1), (3, 500))),
    ],
)
def test_paper_alone_has_no_ink(photo: NDArray[np.uint8]) -> None:
    with pytest.raises(DataError, match="no strokes found"):
        normalization.find(photo)
