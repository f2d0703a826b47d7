"""Image files: decoded exactly, or refused in one line."""

import base64
import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pinning.pins import PLACE, Pin, noise

GRAY = np.arange(256, dtype=np.uint8).reshape(16, 16)
RGB = np.stack([GRAY, GRAY.T, 255 - GRAY], axis=-1)
OPAQUE = np.full_like(GRAY, 255)


def saved(image: Image.Image, kind: str = "PNG", **settings: Any) -> bytes:
    """Return the file that Pillow writes."""
    file = io.BytesIO()
    image.save(file, kind, **settings)
    return file.getvalue()


def write(content: bytes, name: str = "a.png") -> None:
    """Write a training and a test image for each of two classes."""
    for directory in ("train/a", "train/b", "test/a", "test/b"):
        (PLACE / directory).mkdir(parents=True)
        (PLACE / directory / name).write_bytes(content)


JPEG = saved(Image.fromarray(RGB), "JPEG")


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (saved(Image.fromarray(GRAY)), "gray.png", GRAY),
        (saved(Image.fromarray(RGB)), "rgb.png", RGB),
        (saved(Image.fromarray(GRAY > 9)), "1 bit.png", (GRAY > 9) * np.uint8(255)),
        (saved(Image.fromarray(np.dstack([RGB, OPAQUE]))), "rgba.png", RGB),
        (saved(Image.fromarray(np.dstack([GRAY, OPAQUE]))), "gray and alpha.png", GRAY),
        (
            saved(Image.fromarray(GRAY // 64).convert("P")),
            "palette.png",
            np.stack([GRAY // 64] * 3, axis=-1),
        ),
        (saved(Image.fromarray(RGB), "BMP"), "rgb.BMP", RGB),
        (saved(Image.fromarray(RGB), "TIFF"), "rgb.tif", RGB),
        (saved(Image.fromarray(GRAY), "PPM"), "gray.pgm", GRAY),
        (JPEG, "as Pillow decodes it.jpg", np.asarray(Image.open(io.BytesIO(JPEG)))),
    ],
)
def test_what_is_taken_exactly(
    pin: Pin, content: bytes, name: str, expected: NDArray[np.uint8]
) -> None:
    write(content, name)
    assert np.array_equal(pin().arrays[0][0], expected)


DEEP_RGB = base64.b64decode(  # a PNG of a pixel of 16 bits, as Pillow does not write it
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABEAIAAADA54+dAAAAC0lEQVR4nGNgAAMAAAcAAbKGrPQAAAAASUVORK5CYII="
)
HALF = saved(Image.fromarray(np.dstack([RGB, OPAQUE - (GRAY < 7)])))
FOUR = Image.fromarray(RGB).quantize(4)
PALETTE = saved(FOUR, transparency=0)
PLAIN = saved(Image.fromarray(noise(16, 16, 3)))
DEEP = "more than 8 bits a pixel; `mogrify -depth 8` reduces them"
FAULTS = {
    "gray of 16 bits": (saved(Image.fromarray(np.uint16(GRAY))), DEEP),
    "RGB of 16 bits": (DEEP_RGB, DEEP),
    "PPM of 10 bits": (b"P6 1 1 1000\n" + bytes(6), DEEP),
    "floats": (saved(Image.fromarray(np.float32(GRAY)), "TIFF"), DEEP),
    "CMYK": (saved(Image.new("CMYK", (2, 2)), "JPEG"), "colours are CMYK"),
    "half transparent": (HALF, "7 of 256 pixels are transparent"),
    "transparent palette": (PALETTE, f"{FOUR.histogram()[0]} of 256 pixels are transparent"),
    "pages": (saved(FOUR, "TIFF", save_all=True, append_images=[FOUR] * 2), "3 images in a file"),
    "text": (b"hello", "not an image, or damaged"),
    "empty": (b"", "not an image, or damaged"),
    "truncated": (PLAIN[: len(PLAIN) * 3 // 4], "damaged: "),
    "flipped": (PLAIN[:60] + bytes([PLAIN[60] ^ 255]) + PLAIN[61:], "damaged: "),
    "truncated JPEG": (JPEG[:-50], "damaged: "),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_refused(pin: Pin, fault: str) -> None:
    content, reason = FAULTS[fault]
    write(content)
    pin.refused(PLACE, f"{PLACE}/train/a/a.png: {reason}")
