"""Pictures: what a decoder of others sees in our PNG, and what the colours mean."""

import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from softmax import cards, images


def decode(content: bytes) -> np.ndarray:
    """The RGB pixels that Pillow reads, after checking the integrity of the file."""
    Image.open(io.BytesIO(content)).verify()
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (28, 28), (300, 400)])  # up to two blocks
def test_png_is_read_back_by_pillow(shape: tuple[int, int]) -> None:
    levels = np.random.default_rng(0).integers(256, size=shape).astype(np.uint8)
    pixels = decode(images.png(levels, images.DIVERGING, 1))
    assert (pixels == images.DIVERGING[levels]).all()


def test_png_enlarges_each_level_to_a_square() -> None:
    levels = np.array([[0, 255]], np.uint8)
    pixels = decode(images.png(levels, images.GRAY, 3))
    assert pixels.shape == (3, 6, 3)
    assert (pixels[:, :3] == 0).all()
    assert (pixels[:, 3:] == 255).all()


def test_gray_spans_each_class_from_black_to_white() -> None:
    weight = np.array([[-2.0, 0, 1, 2], [5, 5, 5, 5]])
    first, constant = images.gray(weight)
    assert first.tolist() == [[0, 128], [191, 255]]
    assert (constant == 0).all()


def test_diverging_puts_zero_on_white_and_shares_one_scale() -> None:
    weight = np.array([[-2.0, 0, 1, 2], [0.0, 0, 0, 1]])
    levels = images.diverging(weight)
    assert levels[0].tolist() == [[1, 128], [192, 255]]
    assert levels[1, 1, 1] == levels[0, 1, 0]
    blue, white, red = images.DIVERGING[[1, 128, 255]].tolist()
    assert white == [247, 247, 247]
    assert blue == [33, 102, 172]
    assert red == [178, 24, 43]
    assert (images.diverging(np.zeros((1, 4))) == 128).all()


def test_grid_frames_ten_tiles_in_two_rows() -> None:
    tiles = np.stack([np.full((2, 2), k + 1, np.uint8) for k in range(10)])
    levels = images.grid(tiles)
    assert levels.shape == (7, 16)
    assert levels[1, 1::3].tolist() == [1, 2, 3, 4, 5]
    assert levels[4, 1::3].tolist() == [6, 7, 8, 9, 10]
    assert (levels[::3] == images.LINE).all()
    assert (levels[:, ::3] == images.LINE).all()


def test_card_shows_scores_probabilities_and_the_verdict() -> None:
    z, a = np.linspace(-1, 1, 10), np.linspace(0, 0.2, 10)
    root = ET.fromstring(cards.card(217, np.zeros(784, np.uint8), 6, z, a))  # noqa: S314 (ours)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "Test image 217: a 6, called 9 (0.20), wrong"
    assert {f"{value:.3f}" for value in [*z, *a]} <= set(texts)
    bars = [rect.attrib for rect in root.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert [int(bar["width"]) for bar in bars] == [round(value * cards.BAR) for value in a.tolist()]
    assert bars[6]["fill"] != bars[9]["fill"] != bars[0]["fill"]
