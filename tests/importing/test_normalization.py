"""Compare normalization with exact fractions, and find strokes in photos."""

import math
from fractions import Fraction

import numpy as np
import pytest
from helpers import samples
from helpers.clones import Clone
from helpers.samples import Ink, photographed, written
from hypothesis import given, settings
from numpy.typing import NDArray

from softmax.core import idx
from softmax.data import normalization
from softmax.data.normalization import normalize
from softmax.errors import DataError
from softmax.pipeline import datasets


def by_fractions(strokes: Ink) -> Ink:
    """Normalize as docs/image-preparation.md specifies, pixel by pixel: uint8 (28, 28)."""
    image = np.zeros((28, 28), np.uint8)
    if not strokes.any():
        return image
    inked = np.argwhere(strokes)
    drawn = strokes[inked[:, 0].min() :, inked[:, 1].min() :]
    size = max(np.ptp(inked, axis=0)) + 1
    sums = np.zeros((size, size), np.int64)
    sums[: drawn.shape[0], : drawn.shape[1]] = drawn[:size, :size]
    for _ in "yx":  # split each cell into 20 parts; `size` parts make a pixel
        sums = sums.repeat(20, axis=0).reshape(20, size, -1).sum(axis=1).T
    moments = [int(sums.sum(axis=axis) @ (2 * np.arange(20) + 1)) for axis in (1, 0)]
    down, right = (math.ceil(14 - Fraction(moment, 2 * int(sums.sum()))) for moment in moments)
    for (y, x), shade in np.ndenumerate(sums):
        if 0 <= x + right < 28 and 0 <= y + down < 28:
            image[y + down, x + right] = nearest(Fraction(int(shade), size**2))
    return image


def nearest(x: Fraction) -> int:
    """Return the nearest integer, rounding halves up."""
    return math.floor(x + Fraction(1, 2))


@pytest.mark.parametrize("name", samples.EDGES)
def test_extreme_drawings_are_normalized_as_specified(name: str) -> None:
    assert (normalize(samples.EDGES[name]) == by_fractions(samples.EDGES[name])).all()


@settings(max_examples=20)
@given(samples.INKS)
def test_any_drawing_is_normalized_as_specified(strokes: Ink) -> None:
    assert (normalize(strokes) == by_fractions(strokes)).all()


def test_normalization_leaves_mnist_images_unchanged(mnist: Clone) -> None:
    """Allow 1% of the images to change, because their digits are smaller than 20 pixels."""
    images = idx.read(mnist.directory / datasets.test_files("mnist")[0], 3)[::10]
    assert sum((normalize(image) == image).all() for image in images) > 0.99 * len(images)


SQUARED = (np.mgrid[-1:1:400j, -1:1:400j] ** 2).sum(axis=0)  # distances from the middle
SEVEN = written("7")
CHALK = np.zeros((400, 400))
CHALK[150:250, 150:250] = written("1", 100) > 0.5
PHOTOS = {  # the strokes, and the photo of dark ink
    f"{digit}, {shade}, {noise}": (
        written(digit),
        photographed(written(digit), shade=shade, noise=noise),
    )
    for digit in "01478"
    for shade, noise in ((0, 0), (0.3, 10), (0.6, 25))
}
PHOTOS["in light that falls off"] = (SEVEN, photographed(SEVEN) * (1 - 0.3 * SQUARED))
BOARD = 255 - (120 + 110 * CHALK) * (1 - 0.05 * SQUARED**2)
PHOTOS["small, on a background that is no quadratic surface"] = (CHALK, BOARD)


@pytest.mark.parametrize("name", PHOTOS)
def test_strokes_are_found_in_any_light(name: str) -> None:
    drawn, photo = PHOTOS[name][0] > 0.5, PHOTOS[name][1].astype(np.uint8)
    for gray, is_dark in ((photo, True), (255 - photo, False)):
        found, dark = normalization.find(gray)
        assert dark == is_dark
        assert set(np.unique(found)) == {0, 255}
        assert np.count_nonzero((found > 0) != drawn) < 0.05 * np.count_nonzero(drawn)


def test_specks_and_smudges_are_ignored_but_parts_of_a_letter_are_kept() -> None:
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
def test_a_blank_page_has_no_strokes(photo: NDArray[np.uint8]) -> None:
    with pytest.raises(DataError, match="no strokes found"):
        normalization.find(photo)
