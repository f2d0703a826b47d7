"""Test images: Pillow and zlib decode the PNGs, and colors have the specified meaning."""

import io
import struct
import xml.etree.ElementTree as ET
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from zlib_ng import zlib_ng

from softmax.analysis import images
from softmax.core import model


def decode(content: bytes) -> np.ndarray:
    """Return the RGB pixels that Pillow reads, after it has verified the file."""
    Image.open(io.BytesIO(content)).verify()
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def drawn(*shown: Any) -> tuple[list[str | None], list[dict[str, str]]]:
    """Return the texts of a prediction figure, and the attributes of its bars."""
    root = ET.fromstring(images.prediction_figure(*shown))  # noqa: S314 (written by this project)
    svg = "{http://www.w3.org/2000/svg}"
    texts = [element.text for element in root.iter(f"{svg}text")]
    return texts, [rect.attrib for rect in root.iter(f"{svg}rect")][1:]


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (28, 28), (255, 256), (256, 255), (300, 400)])
def test_png_is_readable_and_does_not_depend_on_the_checksum_library(
    shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Write a PNG with the checksums of zlib and with those of zlib-ng, and compare the bytes."""
    levels = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
    content = images.png(levels, images.DIVERGING, 1)
    assert (decode(content) == images.DIVERGING[levels]).all()
    before, after = content.split(b"IDAT", 1)
    (length,) = struct.unpack(">I", before[-4:])
    lines = b"".join(b"\0" + line.tobytes() for line in levels)  # filter 0 (none) for each line
    for deflate in (zlib, zlib_ng):
        assert deflate.decompress(after[:length]) == lines
    monkeypatch.setattr(images, "zlib", zlib_ng)
    assert images.png(levels, images.DIVERGING, 1) == content


def test_png_enlarges_each_pixel_to_a_square() -> None:
    pixels = decode(images.png(np.array([[0, 255]], np.uint8), images.GRAY, 3))
    assert pixels.shape == (3, 6, 3)
    assert (pixels[:, :3] == 0).all()
    assert (pixels[:, 3:] == 255).all()
    colors = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 14
    assert (decode(images.png(colors, images.GRAY, 1)) == colors).all()


def test_gray_scales_each_class_from_black_to_white() -> None:
    tiles = np.array([[[-2.0, 0], [1, 2]], [[5, 5], [5, 5]]])
    first, constant = images.gray(tiles)
    assert first.tolist() == [[0, 128], [191, 255]]
    assert (constant == 0).all()


def test_diverging_maps_zero_to_white_on_one_scale() -> None:
    tiles = np.array([[[-2.0, 0], [1, 2]], [[0.0, 0], [0, 1]]])
    levels = images.diverging(tiles)
    assert levels[0].tolist() == [[1, 128], [192, 255]]
    assert levels[1, 1, 1] == levels[0, 1, 0]
    below, above = images.DIVERGING[[1, 255]].tolist()
    assert below[2] > below[0]  # blue
    assert above[0] > above[2]  # red
    assert (images.diverging(np.zeros((1, 2, 2))) == 128).all()


@pytest.mark.parametrize(
    ("count", "rows", "columns"), [(2, 1, 3), (3, 1, 3), (10, 2, 5), (47, 5, 11)]
)
def test_a_contact_sheet_frames_the_tiles_in_order(count: int, rows: int, columns: int) -> None:
    tiles = np.repeat(np.arange(1, count + 1, dtype=np.uint8), 4 * 3).reshape(count, 4, 3)
    levels = images.contact_sheet(tiles)
    assert levels.shape == (11 * rows + 1, 4 * columns + 1)  # six rows above a tile for its number
    assert (levels[::11] == images.LINE).all()
    assert (levels[:, ::4] == images.LINE).all()
    assert levels[7::11, 1::4].ravel()[:count].tolist() == [*range(1, count + 1)]
    assert (levels[levels != images.NUMBER] != images.LINE).sum() == count * 12


def test_a_contact_sheet_shows_numbers_above_the_tiles() -> None:
    levels = images.contact_sheet(np.zeros((1, 1, 11), np.uint8), ["7-9"])[1:6, 1:12]
    drawn = ["".join(row) for row in np.where(levels == images.NUMBER, "#", " ")]
    assert drawn == ["###     ###", "  #     # #", "  # ### ###", "  #       #", "  #     ###"]


@given(st.integers(1, 40), st.integers(2, 1000), st.integers(1, 128 * 128 * 3))
def test_the_scale_is_reduced_for_large_images(wanted: int, classes: int, pixels: int) -> None:
    assert images.scale(wanted, (10, 28 * 28)) == wanted
    scale = images.scale(wanted, (classes, pixels))
    assert 1 <= scale <= wanted
    assert scale == 1 or classes * pixels * scale**2 <= images.MAX_PIXELS
    assert scale == wanted or classes * pixels * (scale + 1) ** 2 > images.MAX_PIXELS


def test_color_channels_are_side_by_side() -> None:
    theta = np.arange(2 * 13.0).reshape(2, 13)  # for RGB images of 2 x 2 pixels, and the bias
    assert images.tiles(theta, (2, 2, 3))[0].tolist() == [[0, 3, 1, 4, 2, 5], [6, 9, 7, 10, 8, 11]]
    assert images.tiles(theta, (3, 4))[0].tolist() == theta[0, :-1].reshape(3, 4).tolist()


def test_a_prediction_figure_shows_scores_probabilities_and_the_result() -> None:
    z = np.linspace(-1, 1, 10)
    a = model.softmax(z[:, None])[:, 0]
    texts, bars = drawn(217, np.zeros((28, 28), np.uint8), 6, z, "0123456789")
    assert texts[0] == "Test image 217: a 6, classified as 9 (0.22): misclassified"
    assert {f"{value:.3f}" for value in [*z, *a]} <= set(texts)
    widths = [round(value * images.BAR) for value in a.tolist()]
    assert [int(bar["width"]) for bar in bars] == widths
    assert bars[6]["fill"] != bars[9]["fill"] != bars[0]["fill"]


def test_a_figure_of_many_classes_shows_the_most_probable_and_the_label() -> None:
    names = [f"class <{k}>" for k in range(47)]
    texts, _ = drawn(5, np.zeros((6, 4, 3), np.uint8), 3, np.linspace(-1, 1, 47), names)
    assert texts[0] == "Test image 5: class <3>, classified as class <46> (0.05): misclassified"
    assert texts[4::3] == [*names[46:37:-1], names[3]]
