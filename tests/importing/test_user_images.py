"""Files of images in any form, as a model of 28 x 28 gray pixels or another sees them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.digits import write_idx
from importing.photos import photographed, written
from importing.pins import PLACE, Pin, noise
from PIL import ExifTags, Image

from softmax.data import user_images
from softmax.data.pixels import ENDINGS
from softmax.data.user_images import PreparedImage
from softmax.pipeline import datasets
from softmax.pipeline.datasets import DatasetEntry

GRAY, RGB = (28, 28), (20, 30, 3)
MIDDLE = 144  # between paper and ink
SEVEN = Image.fromarray(photographed(written("7")))


def read(
    *paths: Path, shape: tuple[int, ...] = GRAY, prepared: str = "pen strokes"
) -> tuple[list[PreparedImage], list[str]]:
    """Return what a model of images of this shape sees, and the errors."""
    entry = DatasetEntry.model_construct(shape=shape, prepared=prepared)
    found, failed = user_images.read(paths, entry)
    return found, list(map(str, failed))


def seen(image: Image.Image, path: Path, exif: bytes = b"", **entry: Any) -> PreparedImage:
    """Return what is seen of an image, once it is a file."""
    image.save(path, quality=95, exif=exif)
    ((found,), failed) = read(path, **entry)
    assert failed == []
    return found


@pytest.fixture
def plain(tmp_path: Path) -> PreparedImage:
    """What is seen of a 7 as a PNG of gray levels."""
    return seen(SEVEN, tmp_path / "7.png")


def difference(one: PreparedImage, other: PreparedImage) -> float:
    """Return by how many levels two images differ in the mean."""
    return float(abs(one.pixels - other.pixels.astype(int)).mean())


def clear(image: Image.Image, color: str) -> Image.Image:
    """Return strokes of one color, with nothing behind them."""
    strokes = Image.new("RGBA", image.size, color)
    strokes.putalpha(Image.fromarray(255 * (np.asarray(image) < MIDDLE).astype(np.uint8)))
    return strokes


def blue(image: Image.Image) -> Image.Image:
    """Return an image on blue paper."""
    return Image.merge("RGB", [image, image, Image.new("L", image.size, 250)])


FORMS = {
    "8 bits as 16.png": Image.fromarray(np.asarray(SEVEN).astype(np.uint16)),
    "rgb.png": SEVEN.convert("RGB"),
    "palette.png": SEVEN.convert("RGB").quantize(200),
    "gray and alpha.png": SEVEN.convert("LA"),
    "black on nothing.png": clear(SEVEN, "black"),
    "white on nothing.png": clear(SEVEN, "white"),
    "black and white.png": Image.fromarray(np.asarray(SEVEN) > MIDDLE),
    "gray.jpg": SEVEN,
    "gray.webp": SEVEN,
    "gray.tif": SEVEN,
    "without an ending": SEVEN,
    "blue.bmp": blue(SEVEN),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_photo_in_any_form_is_seen_the_same(
    name: str, plain: PreparedImage, tmp_path: Path
) -> None:
    FORMS[name].save(tmp_path / name, None if "." in name else "PNG", quality=95)
    (found,), _ = read(tmp_path / name)
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


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "RGBA"])
def test_gray_images_of_the_models_size_are_taken_as_they_are(mode: str, tmp_path: Path) -> None:
    levels = noise(*GRAY)
    for prepared in ("as they are", "pen strokes", "resized"):
        found = seen(Image.fromarray(levels).convert(mode), tmp_path / "a.png", prepared=prepared)
        assert found.done == "as it is"
        assert (found.pixels == levels).all()


def test_colors_and_what_is_transparent_are_not_taken_as_they_are(tmp_path: Path) -> None:
    small = Image.fromarray(photographed(written("7", 28)))
    for image in (clear(small, "black"), blue(small)):
        assert seen(image, tmp_path / "7.png").done == "inverted, centred"


def test_images_that_are_no_strokes_need_the_models_size_and_colors(tmp_path: Path) -> None:
    path, levels = tmp_path / "a.png", noise(*RGB)
    gray = Image.fromarray(levels[..., 0])
    assert (seen(gray, path, shape=RGB).pixels == levels[..., :1]).all()
    assert (seen(gray, path, shape=RGB[:2]).pixels == levels[..., 0]).all()
    Image.fromarray(levels).save(path)
    for shape, taken in {
        RGB[:2]: "gray images of 20 x 30 pixels",
        GRAY: "gray images of 28 x 28 pixels",
        (20, 31, 3): "RGB images of 20 x 31 pixels",
    }.items():
        line = f"{path}: RGB, 20 x 30 pixels; this model takes {taken}. Prepare them as those"
        assert read(path, shape=shape, prepared="as they are")[1][0].startswith(line)
    assert "takes gray images of any size" in read(path, prepared="resized")[1][0]


KINDS = {"png": RGB, "webp": RGB, "tif": (20, 30), "csv": (30, 30), "parquet": RGB, "npz": RGB}


def save(kind: str, shape: tuple[int, ...]) -> Path:
    """Write 40 images of two classes, which EXIF turns where they are files, and return where."""
    images, labels, exif = noise(40, *shape), np.arange(40) % 2, Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    ending = kind if f".{kind}" in ENDINGS else "png"
    files = [PLACE / f"{label}/{n}.{ending}" for n, label in enumerate(labels)]
    for file, image in zip(files, images, strict=True):
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(file, exif=exif)
    path = Path(f"a.{kind}")
    if kind == "csv":
        pd.DataFrame(images.reshape(40, -1)).assign(label=labels).to_csv(path, index=False)
    elif kind == "parquet":
        pd.DataFrame({"label": labels, "file": map(str, files)}).to_parquet(path)
    elif kind == "npz":
        np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    return path if path.exists() else PLACE


@pytest.mark.parametrize("size", [{}, {"size": "25x10"}])
@pytest.mark.parametrize("kind", KINDS)
def test_images_are_seen_as_the_import_saw_them(kind: str, size: dict[str, str], pin: Pin) -> None:
    place = save(kind, KINDS[kind])
    pin(PLACE, size="9x9")  # a version before, of which nothing is to stay in the entry
    imported = pin(place, **size).arrays[::2]
    entry = datasets.load()["mine"]
    found, failed = user_images.read([place], entry)
    assert failed == []
    assert {image.done for image in found} == {"resized" if size else "as it is"}
    pixels = {image.tobytes() for part in imported for image in part}
    assert {image.pixels.tobytes() for image in found} == pixels
    assert entry.prepared == ("resized" if size else "as they are")
    assert entry.decoder.startswith("Pillow ") == (kind not in ("csv", "npz"))


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("first", [[], ["label"], ["ID"], ["id", "Label"]])
def test_rows_of_a_table_are_called_by_ids_or_numbers(
    first: list[str], header: bool, tmp_path: Path
) -> None:
    """Without a header, only a label can be told from pixels."""
    images, path = noise(3, 2, 4), tmp_path / "a.csv"
    pixels = pd.DataFrame(images.reshape(3, -1)).add_prefix("pixel" if first else "")
    table = pd.DataFrame({name: [250, 9, 7] for name in first}).join(pixels, how="right")
    table.to_csv(path, header=header, index=False)
    found, failed = read(path, shape=(2, 4), prepared="as they are")
    if not header and len(first) == 2:
        assert failed[0].startswith(f"{path}: 10 pixel columns; this model takes gray images of")
        return
    has_ids = header and first and first[0].lower() == "id"
    assert [image.name for image in found] == (["250", "9", "7"] if has_ids else ["1", "2", "3"])
    assert (np.stack([image.pixels for image in found]) == images).all()


@pytest.mark.parametrize("shape", [GRAY, RGB])
def test_arrays_of_the_models_shape_are_taken_as_they_are(
    shape: tuple[int, ...], tmp_path: Path
) -> None:
    images = noise(3, *shape)
    write_idx(tmp_path / "images", images)
    forms = {"x": images, "rows": images.reshape(3, -1), "one": images[0], "deep": images + 0}
    np.savez(tmp_path / "a.npz", labels=np.arange(3), small=images[:, 1:, 1:], **forms)
    found, failed = read(tmp_path / "images", tmp_path / "a.npz", shape=shape)
    assert failed == []
    names = [f"images[{n}]" for n in range(3)]
    for name, array in forms.items():
        names += [f"a.npz:{name}[{n}]" for n in range(1 if array.shape == shape else 3)]
    assert [image.name for image in found] == names
    assert {image.done for image in found} == {"as it is"}
    for name, pixels, _ in found:
        assert (pixels == images[int(name[-2])]).all()


def test_all_images_below_a_directory_are_read_but_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.png", "sub/a.JPG", "sub/sub/\udcff.png", ".hidden/c.png", "sub/._b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        SEVEN.save(tmp_path / name)
    (tmp_path / "labels.csv").touch()
    (tmp_path / "sub/damaged.png").touch()
    found, failed = read(tmp_path)
    names = ["b.png", "sub/a.JPG", "sub/sub/\\xff.png"]
    assert [image.name for image in found] == names
    assert [line.partition(": ")[0] for line in failed] == [f"{tmp_path}/sub/damaged.png"]


def cut(count: int) -> Callable[[Path], object]:
    """Return what writes only the first bytes of an image."""

    def write(path: Path) -> None:
        SEVEN.save(path)
        path.write_bytes(path.read_bytes()[:count])

    return write


IDX = np.array([0x0803, 3, 28, 28], ">u4").tobytes()
NEITHER = "not an image (PNG, JPEG, BMP, PPM, TIFF, WEBP), or damaged"
NO_IDX = "not an IDX file of uint8 in 3 dimensions"
BOMB = "more than 89,478,485 pixels; `mogrify -resize` makes it smaller"
FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "text.png": (lambda path: path.write_text("a picture of a 7"), NEITHER),
    "empty.png": (Path.touch, NEITHER),
    "film.gif": (SEVEN.save, NEITHER),
    "cut off.png": (cut(1500), "damaged: "),
    "cut off.jpg": (cut(2000), "damaged: image file is truncated"),
    "cmyk.jpg": (SEVEN.convert("CMYK").save, "colors are CMYK; `mogrify -colorspace sRGB`"),
    "16 bits.png": (Image.new("I;16", (9, 9), 256).save, "more than 8 bits a pixel; `mo"),
    "paper.png": (
        Image.new("L", (300, 300), 250).save,
        "no ink found; draw it darker or lighter than its ground, which is even",
    ),
    "bomb.png": (lambda path: Image.new("1", (10_000, 9_000)).save(path), BOMB),
    "huge bomb.png": (lambda path: Image.new("1", (20_000, 10_000)).save(path), BOMB),
    "pipe.png": (os.mkfifo, "a pipe or a device. Save its content as a file."),
    "directory": (Path.mkdir, "holds no images. Give one that has some."),
    "labels": (lambda path: write_idx(path, np.arange(10)), NO_IDX),
    "none": (lambda path: write_idx(path, np.zeros((0, 28, 28))), "holds no images"),
    "cut off": (lambda path: path.write_bytes(IDX + bytes(3 * 784 - 1)), NO_IDX),
    "other size": (
        lambda path: write_idx(path, np.zeros((3, 27, 28))),
        "3 images of 27 x 28; this model takes gray images of 28 x 28 pixels. Prepare",
    ),
    "no numbers.csv": (lambda path: path.write_text("a,b\n1,x\n"), "image 1, column b: 'x'; pix"),
    "header.csv": (lambda path: path.write_text("id,file\n"), "holds no images"),
    "labels.csv": (lambda path: path.write_text("id,label\n"), "2 columns (id, label), none of"),
    "labels.npz": (lambda path: np.savez(path, y=np.arange(3)), "holds y; none of them are images"),
    "a.npz": (
        lambda path: np.savez(path, x=np.zeros((3, 28, 28))),
        "x is float64; should be whole",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_cannot_be_seen_costs_one_line(name: str, tmp_path: Path) -> None:
    write, reason = FAULTS[name]
    write(tmp_path / name)
    SEVEN.save(tmp_path / "7.png")
    found, (line,) = read(tmp_path / name, tmp_path / "7.png")
    assert len(found) == 1
    assert line.startswith(f"{tmp_path / name}: {reason}")
    assert "\n" not in line
    assert "dvc" not in line


def test_dark_strokes_on_light_ground_are_warned_of(tmp_path: Path) -> None:
    digits = np.zeros((4, *GRAY), np.uint8)
    digits[:, 4:24, 9:19] = 200
    write_idx(tmp_path / "a", np.where(np.arange(4)[:, None, None] > 1, 255 - digits, digits))
    found, _ = read(tmp_path / "a")
    strokes = DatasetEntry.model_construct(shape=GRAY, prepared="pen strokes")
    line = "2 of 4 images, such as a[2], have a light border, and this model knows light strokes"
    assert user_images.warn(found, strokes).startswith(line)
    assert user_images.warn(found[:2], strokes) == ""
    assert user_images.warn(found, strokes.model_copy(update={"prepared": "as they are"})) == ""
