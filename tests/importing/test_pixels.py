"""Test that image files are decoded exactly, or rejected in one line."""

import base64
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from importing.data_add import PLACE, Add, noise, saved
from numpy.typing import NDArray
from PIL import ExifTags, Image

from softmax.data import pixels

GRAY = np.arange(256, dtype=np.uint8).reshape(16, 16)
RGB = np.stack([GRAY, GRAY.T, 255 - GRAY], axis=-1)
OPAQUE = np.full_like(GRAY, 255)


def write(content: bytes, name: str = "a.png") -> None:
    """Write a training and a test image for each of two classes."""
    for directory in ("train/a", "train/b", "test/a", "test/b"):
        (PLACE / directory).mkdir(parents=True)
        (PLACE / directory / name).write_bytes(content)


@pytest.mark.parametrize(
    ("name", "image", "expected"),
    [
        ("gray.png", Image.fromarray(GRAY), GRAY),
        ("8 bits as 16.png", Image.fromarray(np.uint16(GRAY)), GRAY),
        ("gray and alpha.png", Image.fromarray(np.dstack([GRAY, OPAQUE])), GRAY),
        ("rgb.png", Image.fromarray(RGB), RGB),
        ("rgb and alpha.png", Image.fromarray(np.dstack([RGB, OPAQUE])), RGB),
        ("1 bit.png", Image.fromarray(GRAY > 9), (GRAY > 9) * np.uint8(255)),
        ("palette.png", Image.fromarray(GRAY // 64).convert("P"), np.dstack([GRAY // 64] * 3)),
        ("gray.pgm", Image.fromarray(GRAY), GRAY),
        ("rgb.BMP", Image.fromarray(RGB), RGB),
        ("rgb.tif", Image.fromarray(RGB), RGB),
        ("rgb.jpg", Image.fromarray(RGB), None),  # expect the pixels that Pillow decodes
    ],
)
def test_images_of_8_bits_are_imported_unchanged(
    add: Add, name: str, image: Image.Image, expected: NDArray[np.uint8] | None
) -> None:
    image.save(name)
    write(Path(name).read_bytes(), name)
    if expected is None:
        expected = np.asarray(Image.open(name))
    assert np.array_equal(add().arrays[0][0], expected)


TURNED = [GRAY[:9], np.fliplr(GRAY[:9]), GRAY[8::-1, ::-1], np.flipud(GRAY[:9])]
TURNED += [GRAY[:9].T, np.rot90(GRAY[:9], -1), GRAY[8::-1, ::-1].T, np.rot90(GRAY[:9])]


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_images_are_upright_in_every_format(tmp_path: Path, name: str) -> None:
    """Add a color profile of more than a MiB, as cameras do."""
    exif, profile = Image.Exif(), bytes(2**20 + 1)
    for orientation, expected in enumerate(TURNED, 1):
        exif[ExifTags.Base.Orientation] = orientation
        image = Image.fromarray(GRAY[:9])
        image.save(tmp_path / name, exif=exif, lossless=True, icc_profile=profile)
        found = pixels.decode(tmp_path / name, name)
        assert np.array_equal(found if found.ndim == 2 else found[..., 0], expected), orientation


@given(st.tuples(*[st.integers(1, 9)] * 4))
def test_a_resized_pixel_is_the_mean_of_the_area_it_covers(sides: tuple[int, ...]) -> None:
    """Split pixels into parts, so each new pixel is a mean of complete parts; halves round up."""
    old_rows, old_columns, rows, columns = sides
    image = noise(old_rows, old_columns, 3)
    parts = image.astype(np.int64).repeat(rows, axis=0).repeat(columns, axis=1)
    sums = parts.reshape(rows, old_rows, columns, old_columns, 3).sum(axis=(1, 3))
    size = old_rows * old_columns
    assert (pixels.resize(image, rows, columns) == (2 * sums + size) // (2 * size)).all()


def test_white_stays_white_at_any_size() -> None:
    assert (pixels.resize(np.full((999, 1501), 255, np.uint8), 28, 28) == 255).all()


DEEP_RGB = base64.b64decode(  # a PNG with one pixel of 16 bits, which Pillow cannot write
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABEAIAAADA54+dAAAAC0lEQVR4nGNgAAMAAAcAAbKGrPQAAAAASUVORK5CYII="
)
HALF = saved(Image.fromarray(np.dstack([RGB, OPAQUE - (GRAY < 7)])).save, "PNG")
FOUR = Image.fromarray(RGB).quantize(4)
PALETTE = saved(FOUR.save, "PNG", transparency=0)
PLAIN = saved(Image.fromarray(noise(16, 16, 3)).save, "PNG")
DEEP = "more than 8 bits per channel. Run `mogrify -depth 8`."
FAULTS = {
    "gray of 16 bits": (saved(Image.fromarray(np.uint16(GRAY) * 257).save, "PNG"), DEEP),
    "RGB of 16 bits": (DEEP_RGB, DEEP),
    "PPM of 10 bits": (b"P6 1 1 1000\n" + bytes(6), DEEP),
    "floats": (saved(Image.fromarray(np.float32(GRAY)).save, "TIFF"), DEEP),
    "CMYK": (saved(Image.new("CMYK", (2, 2)).save, "JPEG"), "its color mode is CMYK"),
    "half transparent": (HALF, "7 of 256 pixels are transparent"),
    "transparent palette": (PALETTE, f"{FOUR.histogram()[0]} of 256 pixels are transparent"),
    "pages": (saved(FOUR.save, "TIFF", save_all=True, append_images=[FOUR]), "2 images in one"),
    "100 megapixels": (saved(Image.new("1", (10**4, 10**4)).save, "PNG"), "more than 89,478,485"),
    "text": (b"hello", "not an image (PNG, JPEG, BMP, PPM, TIFF, WEBP), or damaged"),
    "empty": (b"", "not an image (PNG, JPEG, BMP, PPM, TIFF, WEBP), or damaged"),
    "truncated": (PLAIN[: len(PLAIN) * 3 // 4], "damaged: "),
    "flipped": (PLAIN[:60] + bytes([PLAIN[60] ^ 255]) + PLAIN[61:], "damaged: "),
    "truncated JPEG": (saved(Image.fromarray(RGB).save, "JPEG")[:-50], "damaged: "),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_images_that_would_lose_information_are_rejected(add: Add, fault: str) -> None:
    content, reason = FAULTS[fault]
    write(content)
    add.rejected(PLACE, f"{PLACE}/train/a/a.png: {reason}")
