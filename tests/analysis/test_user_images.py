"""Files of images in any form, as a model of 28 x 28 gray pixels or another sees them."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from analysis.photos import photographed, written
from helpers.digits import write_idx
from PIL import ExifTags, Image

from softmax.analysis import user_images
from softmax.analysis.user_images import PreparedImage
from softmax.errors import DataError

GRAY, RGB = (28, 28), (20, 30, 3)
MIDDLE = 144  # between paper and ink
SEVEN = Image.fromarray(photographed(written("7")))


def seen(
    image: Image.Image, path: Path, shape: tuple[int, ...] = GRAY, exif: bytes = b""
) -> PreparedImage:
    """Return what is seen of an image, once it is a file."""
    image.save(path, quality=95, exif=exif)
    (found,) = user_images.read(path, shape)
    return found


@pytest.fixture
def plain(tmp_path: Path) -> PreparedImage:
    """What is seen of a 7 as a PNG of gray levels."""
    return seen(SEVEN, tmp_path / "7.png")


def difference(one: PreparedImage, other: PreparedImage) -> float:
    """Return by how many levels two images differ in the mean."""
    return float(abs(one.pixels - other.pixels.astype(int)).mean())


def deep(image: Image.Image) -> Image.Image:
    """Give an image 16 bits a pixel, of which the lower ones are any."""
    return Image.fromarray(np.asarray(image).astype(np.uint16) * 256 + 77)


def clear(image: Image.Image, color: str) -> Image.Image:
    """Return strokes of one color, with nothing behind them."""
    strokes = Image.new("RGBA", image.size, color)
    strokes.putalpha(Image.fromarray(255 * (np.asarray(image) < MIDDLE).astype(np.uint8)))
    return strokes


def blue(image: Image.Image) -> Image.Image:
    """Return an image on blue paper."""
    return Image.merge("RGB", [image, image, Image.new("L", image.size, 250)])


FORMS = {
    "16 bits.png": deep(SEVEN),
    "rgb.png": SEVEN.convert("RGB"),
    "palette.png": SEVEN.convert("RGB").quantize(200),
    "gray and alpha.png": SEVEN.convert("LA"),
    "black on nothing.png": clear(SEVEN, "black"),
    "white on nothing.png": clear(SEVEN, "white"),
    "black and white.png": Image.fromarray(np.asarray(SEVEN) > MIDDLE),
    "gray.jpg": SEVEN,
    "cmyk.jpg": SEVEN.convert("CMYK"),
    "blue.png": blue(SEVEN),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_photo_in_any_form_is_seen_the_same(
    name: str, plain: PreparedImage, tmp_path: Path
) -> None:
    found = seen(FORMS[name], tmp_path / name)
    assert found.done == ("centred" if "white on" in name else "inverted, centred")
    assert difference(found, plain) < 1.5


def test_a_photo_is_turned_upright_and_may_be_large(plain: PreparedImage, tmp_path: Path) -> None:
    exif = Image.Exif()
    for number, turn in {3: 180, 6: 90, 8: 270}.items():
        exif[ExifTags.Base.Orientation] = number
        turned = SEVEN.rotate(turn, expand=True)
        found = seen(turned, tmp_path / "turned.jpg", exif=exif.tobytes())
        assert difference(found, plain) < 1.5
    large = Image.fromarray(photographed(written("7", 2400), noise=10))
    assert difference(seen(large, tmp_path / "large.jpg"), plain) < 4


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "RGBA", "16"])
def test_gray_images_of_the_models_size_are_taken_as_they_are(mode: str, tmp_path: Path) -> None:
    levels = np.random.default_rng(0).integers(256, size=GRAY).astype(np.uint8)
    image = Image.fromarray(levels)
    image = deep(image) if mode == "16" else image.convert(mode)
    found = seen(image, tmp_path / "image.png")
    assert found.done == "as it is"
    assert (found.pixels == levels).all()


def test_colors_and_what_is_transparent_are_not_taken_as_they_are(tmp_path: Path) -> None:
    small = Image.fromarray(photographed(written("7", 28)))
    for image in (clear(small, "black"), blue(small)):
        assert seen(image, tmp_path / "7.png").done == "inverted, centred"


def test_a_model_of_another_shape_takes_images_of_its_size_alone(tmp_path: Path) -> None:
    levels = np.random.default_rng(0).integers(256, size=RGB).astype(np.uint8)
    path, image, gray = tmp_path / "a.png", *map(Image.fromarray, (levels, levels[..., 0]))
    assert (seen(gray, path, RGB).pixels == levels[..., :1]).all()
    assert (seen(gray, path, RGB[:2]).pixels == levels[..., 0]).all()
    assert (seen(image, path, RGB).pixels == levels).all()
    for shape, taken in {(30, 20): "30 x 20, gray", (20, 31, 3): "20 x 31, RGB"}.items():
        reason = f"20 x 30 pixels; this model takes {taken} and opaque"
        with pytest.raises(DataError, match=reason):
            seen(image, path, shape)


@pytest.mark.parametrize("shape", [GRAY, RGB])
def test_images_of_idx_files_are_taken_as_they_are(shape: tuple[int, ...], tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(256, size=(3, *shape))
    write_idx(tmp_path / "images", images)
    found = list(user_images.read(tmp_path / "images", shape))
    assert [image.name for image in found] == ["images[0]", "images[1]", "images[2]"]
    assert {image.done for image in found} == {"as it is"}
    assert (np.stack([image.pixels for image in found]) == images).all()


def cut(count: int) -> Callable[[Path], object]:
    """Return what writes only the first bytes of an image."""

    def write(path: Path) -> None:
        SEVEN.save(path)
        path.write_bytes(path.read_bytes()[:count])

    return write


IDX = np.array([0x0803, 3, 28, 28], ">u4").tobytes()
NEITHER = "not a PNG, JPEG or IDX file"
NO_IDX = "not an IDX file of uint8 in 3 dimensions"
BOMB = "more than 89,478,485 pixels; make it smaller"
FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "text.png": (lambda path: path.write_text("a picture of a 7"), NEITHER),
    "empty.png": (Path.touch, NEITHER),
    "film.gif": (SEVEN.save, NEITHER),
    "cut off.png": (cut(1500), "cannot be decoded: "),
    "cut off.jpg": (cut(2000), "cannot be decoded: image file is truncated"),
    "paper.png": (
        Image.new("L", (300, 300), 250).save,
        "no ink found; draw it darker or lighter than its ground, which is even",
    ),
    "bomb.png": (lambda path: Image.new("1", (10_000, 9_000)).save(path), BOMB),
    "huge bomb.png": (lambda path: Image.new("1", (20_000, 10_000)).save(path), BOMB),
    "labels": (lambda path: write_idx(path, np.arange(10)), NO_IDX),
    "cut off": (lambda path: path.write_bytes(IDX + bytes(3 * 784 - 1)), NO_IDX),
    "other size": (
        lambda path: write_idx(path, np.zeros((3, 27, 28))),
        "3 images of 27 x 28; this model takes 28 x 28",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_cannot_be_seen_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    write, reason = FAULTS[name]
    write(tmp_path / name)
    with pytest.raises(DataError, match=re.escape(f"{tmp_path / name}: {reason}")) as refused:
        list(user_images.read(tmp_path / name, GRAY))
    assert "\n" not in str(refused.value)
    assert "dvc" not in str(refused.value)
