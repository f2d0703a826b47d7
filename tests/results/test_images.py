"""Pictures: what the decoders of others see in our PNG, and what the colors mean."""

import io
import struct
import xml.etree.ElementTree as ET
import zlib
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from zlib_ng import zlib_ng

from softmax.core import model
from softmax.results import cards, images
from softmax.results.images import Levels


def decode(content: bytes) -> np.ndarray:
    """The RGB pixels that Pillow reads, after checking the integrity of the file."""
    Image.open(io.BytesIO(content)).verify()
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def scan_lines(pixels: Levels) -> bytes:
    """What the PNG specification has compressed: each line after a byte for its filter, 0."""
    return b"".join(b"\0" + line.tobytes() for line in pixels)


def decompress(deflate: ModuleType, content: bytes) -> bytes:
    """The scan lines that `deflate` finds in the one IDAT chunk of a PNG file."""
    before, after = content.split(b"IDAT", 1)
    (length,) = struct.unpack(">I", before[-4:])
    decompressor = deflate.decompressobj()
    lines = decompressor.decompress(after[:length])
    assert decompressor.eof
    assert decompressor.unused_data == b""
    return lines


@pytest.mark.parametrize(
    "shape", [(1, 1), (2, 3), (28, 28), (255, 256), (256, 255), (300, 400)]
)  # the fourth is one full block of deflate, the fifth a byte more
def test_png_is_read_by_pillow_and_by_both_libraries(
    shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And has the same bytes with the checksums of either."""
    levels = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
    content = images.png(levels, images.DIVERGING, 1)
    assert (decode(content) == images.DIVERGING[levels]).all()
    for deflate in (zlib, zlib_ng):
        assert decompress(deflate, content) == scan_lines(levels)
    monkeypatch.setattr(images, "zlib", zlib_ng)
    assert images.png(levels, images.DIVERGING, 1) == content


def test_png_enlarges_each_level_to_a_square() -> None:
    levels = np.array([[0, 255]], np.uint8)
    pixels = decode(images.png(levels, images.GRAY, 3))
    assert pixels.shape == (3, 6, 3)
    assert (pixels[:, :3] == 0).all()
    assert (pixels[:, 3:] == 255).all()


def test_gray_spans_each_class_from_black_to_white() -> None:
    tiles = np.array([[[-2.0, 0], [1, 2]], [[5, 5], [5, 5]]])
    first, constant = images.gray(tiles)
    assert first.tolist() == [[0, 128], [191, 255]]
    assert (constant == 0).all()


def test_diverging_puts_zero_on_white_and_shares_one_scale() -> None:
    tiles = np.array([[[-2.0, 0], [1, 2]], [[0.0, 0], [0, 1]]])
    levels = images.diverging(tiles)
    assert levels[0].tolist() == [[1, 128], [192, 255]]
    assert levels[1, 1, 1] == levels[0, 1, 0]
    blue, white, red = images.DIVERGING[[1, 128, 255]].tolist()
    assert white == [247, 247, 247]
    assert blue == [33, 102, 172]
    assert red == [178, 24, 43]
    assert (images.diverging(np.zeros((1, 2, 2))) == 128).all()


def test_grid_frames_ten_tiles_in_two_rows() -> None:
    tiles = np.stack([np.full((2, 2), k + 1, np.uint8) for k in range(10)])
    levels = images.grid(tiles)
    assert levels.shape == (7, 16)
    assert levels[1, 1::3].tolist() == [1, 2, 3, 4, 5]
    assert levels[4, 1::3].tolist() == [6, 7, 8, 9, 10]
    assert (levels[::3] == images.LINE).all()
    assert (levels[:, ::3] == images.LINE).all()


@pytest.mark.parametrize(("count", "rows", "columns"), [(2, 1, 3), (3, 1, 3), (47, 5, 11)])
def test_grid_has_room_for_any_number_of_tiles(count: int, rows: int, columns: int) -> None:
    levels = images.grid(np.full((count, 4, 3), 7, np.uint8))
    assert levels.shape == (5 * rows + 1, 4 * columns + 1)
    assert (levels == 7).sum() == count * 12


def test_channels_lie_beside_each_other() -> None:
    theta = np.arange(2 * 13.0).reshape(2, 13)  # of images of 2 x 2 pixels in RGB, and the bias
    assert images.tiles(theta, (2, 2, 3))[0].tolist() == [[0, 3, 1, 4, 2, 5], [6, 9, 7, 10, 8, 11]]
    assert images.tiles(theta, (3, 4))[0].tolist() == theta[0, :-1].reshape(3, 4).tolist()


def test_png_has_colors() -> None:
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 14
    assert (decode(images.png(pixels, images.GRAY, 1)) == pixels).all()


def test_card_of_many_named_classes_shows_the_likeliest_and_the_label() -> None:
    names = [f"class <{k}>" for k in range(47)]
    z = np.linspace(-1, 1, 47)
    card = cards.card(5, np.zeros((6, 4, 3), np.uint8), 3, z, names)
    texts = [
        element.text
        for element in ET.fromstring(card).iter("{http://www.w3.org/2000/svg}text")  # noqa: S314
    ]
    assert texts[0] == "Test image 5: class <3>, called class <46> (0.05), wrong"
    assert texts[4::3] == [*names[46:37:-1], names[3]]


def test_card_shows_scores_probabilities_and_the_verdict() -> None:
    z = np.linspace(-1, 1, 10)
    a = model.softmax(z[:, None])[:, 0]
    card = cards.card(217, np.zeros((28, 28), np.uint8), 6, z, "0123456789")
    root = ET.fromstring(card)  # noqa: S314 (ours)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "Test image 217: a 6, called 9 (0.22), wrong"
    assert {f"{value:.3f}" for value in [*z, *a]} <= set(texts)
    bars = [rect.attrib for rect in root.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert [int(bar["width"]) for bar in bars] == [round(value * cards.BAR) for value in a.tolist()]
    assert bars[6]["fill"] != bars[9]["fill"] != bars[0]["fill"]
