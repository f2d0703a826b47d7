"""Files of images in any form, as a model of 28 x 28 gray pixels or another sees them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.digits import write_idx
from PIL import Image
from prediction.photos import photographed, written

from softmax.errors import DataError
from softmax.prediction import reading
from softmax.prediction.reading import Seen

GRAY, RGB = (28, 28), (20, 30, 3)
ORIENTATION = 0x0112  # of EXIF
MIDDLE = 144  # between paper and ink


def only(path: Path, shape: tuple[int, ...] = GRAY) -> Seen:
    """Return what is seen of a file of one image."""
    (seen,) = reading.read(path, shape)
    return seen


def save(image: Image.Image, path: Path, **options: Any) -> Path:
    """Write an image and return its path."""
    image.save(path, **options)
    return path


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    """A 7, in black and gray."""
    return Image.fromarray(photographed(written("7")))


@pytest.fixture(scope="module")
def seen_plainly(photo: Image.Image, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What is seen of it as a PNG of gray levels."""
    return only(save(photo, tmp_path_factory.mktemp("photo") / "7.png"))


def test_a_dark_digit_on_a_light_ground_is_inverted_and_centered(seen_plainly: Seen) -> None:
    assert seen_plainly.done == "inverted, centred"
    assert seen_plainly.pixels.shape == GRAY
    mass = seen_plainly.pixels.sum(axis=0, dtype=int)
    assert abs(mass @ (np.arange(28) + 0.5) / mass.sum() - 14) <= 0.5
    assert np.count_nonzero(seen_plainly.pixels.any(axis=1)) == 20


def deep(photo: Image.Image) -> Image.Image:
    """Give a photo 16 bits a pixel, of which the lower ones are any."""
    return Image.fromarray(np.asarray(photo).astype(np.uint16) * 256 + 77)


def clear(photo: Image.Image, color: str) -> Image.Image:
    """Return strokes of one color, with nothing behind them."""
    alpha = Image.fromarray(255 * (np.asarray(photo) < MIDDLE).astype(np.uint8))
    strokes = Image.new("RGBA", photo.size, color)
    strokes.putalpha(alpha)
    return strokes


FORMS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "16 bits.png": deep,
    "rgb.png": lambda photo: photo.convert("RGB"),
    "palette.png": lambda photo: photo.convert("RGB").quantize(200),
    "gray and alpha.png": lambda photo: photo.convert("LA"),
    "black on nothing.png": lambda photo: clear(photo, "black"),
    "white on nothing.png": lambda photo: clear(photo, "white"),
    "black and white.png": lambda photo: Image.fromarray(np.asarray(photo) > MIDDLE),
    "gray.jpg": lambda photo: photo,
    "cmyk.jpg": lambda photo: photo.convert("RGB").convert("CMYK"),
    "blue.png": lambda photo: Image.merge("RGB", [photo, photo, Image.new("L", photo.size, 250)]),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_photo_in_any_form_is_seen_the_same(
    name: str, photo: Image.Image, seen_plainly: Seen, tmp_path: Path
) -> None:
    seen = only(
        save(FORMS[name](photo), tmp_path / name, **({} if "png" in name else {"quality": 95}))
    )
    assert seen.done == ("centred" if "white on" in name else "inverted, centred")
    assert abs(seen.pixels - seen_plainly.pixels.astype(int)).mean() < 1.5


@pytest.mark.parametrize(("number", "turn"), [(3, 180), (6, 90), (8, 270)])
def test_a_photo_is_turned_upright(
    number: int, turn: int, photo: Image.Image, seen_plainly: Seen, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = number
    turned = photo.rotate(turn, expand=True)
    path = save(turned, tmp_path / "7.jpg", exif=exif, quality=95)
    assert abs(only(path).pixels - seen_plainly.pixels.astype(int)).mean() < 1.5


def test_a_large_photo_is_seen_the_same(seen_plainly: Seen, tmp_path: Path) -> None:
    large = Image.fromarray(photographed(written("7", 2400), noise=10))
    seen = only(save(large, tmp_path / "large.jpg"))
    assert abs(seen.pixels - seen_plainly.pixels.astype(int)).mean() < 4


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "RGBA", "16"])
def test_gray_images_of_the_models_size_are_taken_as_they_are(mode: str, tmp_path: Path) -> None:
    levels = np.random.default_rng(0).integers(256, size=GRAY).astype(np.uint8)
    image = Image.fromarray(levels)
    image = deep(image) if mode == "16" else image.convert(mode)
    seen = only(save(image, tmp_path / "image.png"))
    assert seen.done == "as it is"
    assert (seen.pixels == levels).all()


def test_colors_and_what_is_transparent_are_not_taken_as_they_are(tmp_path: Path) -> None:
    small = Image.fromarray(photographed(written("7", 28)))
    alpha = clear(small, "black")
    blue = Image.merge("RGB", [small, small, Image.new("L", small.size, 250)])
    for image in (alpha, blue):
        assert only(save(image, tmp_path / "7.png")).done == "inverted, centred"


def test_a_model_of_another_shape_takes_images_of_its_size_alone(tmp_path: Path) -> None:
    levels = np.random.default_rng(0).integers(256, size=RGB).astype(np.uint8)
    path = save(Image.fromarray(levels), tmp_path / "image.png")
    assert (only(path, RGB).pixels == levels).all()
    gray = save(Image.fromarray(levels[..., 0]), tmp_path / "gray.png")
    assert (only(gray, RGB).pixels == levels[..., :1]).all()
    assert (only(gray, RGB[:2]).pixels == levels[..., 0]).all()
    with pytest.raises(
        DataError, match="20 x 30 pixels; this model takes 30 x 20, gray and opaque"
    ):
        only(path, (30, 20))
    with pytest.raises(DataError, match="this model takes 20 x 31, RGB and opaque"):
        only(path, (20, 31, 3))


@pytest.mark.parametrize("shape", [GRAY, RGB, (5, 9)])
def test_images_of_idx_files_are_taken_as_they_are(shape: tuple[int, ...], tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(256, size=(3, *shape))
    write_idx(tmp_path / "images", images)
    seen = list(reading.read(tmp_path / "images", shape))
    assert [image.name for image in seen] == ["images[0]", "images[1]", "images[2]"]
    assert {image.done for image in seen} == {"as it is"}
    assert (np.stack([image.pixels for image in seen]) == images).all()


SEVEN = Image.fromarray(photographed(written("7")))
IDX = np.array([0x0803, 3, 28, 28], ">u4").tobytes()
NEITHER = "not a PNG, JPEG or IDX file"
BOMB = "more than 89,478,485 pixels; make it smaller"
FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "text.png": (lambda path: path.write_text("a picture of a 7"), NEITHER),
    "empty.png": (Path.touch, NEITHER),
    "film.gif": (SEVEN.save, NEITHER),
    "cut off.png": (lambda path: cut(SEVEN, path, 1500), "cannot be decoded: "),
    "cut off.jpg": (
        lambda path: cut(SEVEN, path, 2000),
        "cannot be decoded: image file is truncated",
    ),
    "paper.png": (
        Image.new("L", (300, 300), 250).save,
        "no ink found; draw it darker or lighter than its ground, which is even",
    ),
    "bomb.png": (lambda path: Image.new("1", (10_000, 9_000)).save(path), BOMB),
    "huge bomb.png": (lambda path: Image.new("1", (20_000, 10_000)).save(path), BOMB),
    "labels": (
        lambda path: write_idx(path, np.arange(10)),
        "not an IDX file of uint8 in 3 dimensions",
    ),
    "cut off": (
        lambda path: path.write_bytes(IDX + bytes(3 * 784 - 1)),
        "not an IDX file of uint8 in 3 dimensions",
    ),
    "other size": (
        lambda path: write_idx(path, np.zeros((3, 27, 28))),
        "3 images of 27 x 28; this model takes 28 x 28",
    ),
}


def cut(image: Image.Image, path: Path, count: int) -> None:
    """Write the first bytes of an image."""
    image.save(path)
    assert path.stat().st_size > count
    path.write_bytes(path.read_bytes()[:count])


@pytest.mark.parametrize("name", FAULTS)
def test_what_cannot_be_seen_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    write, reason = FAULTS[name]
    write(tmp_path / name)
    with pytest.raises(DataError, match=re.escape(f"{tmp_path / name}: {reason}")) as refused:
        list(reading.read(tmp_path / name, GRAY))
    assert "\n" not in str(refused.value)
    assert "dvc" not in str(refused.value)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.png"):
        with pytest.raises(OSError, match=re.escape(str(path))):
            list(reading.read(path, GRAY))
