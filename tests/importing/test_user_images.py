"""Test that a user's image files in any format are prepared as the model needs them."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.digits import write_idx
from helpers.samples import photographed, written
from importing.data_add import PLACE, Add, noise
from PIL import ExifTags, Image

from softmax.data import user_images
from softmax.data.pixels import ENDINGS
from softmax.data.user_images import PreparedImage
from softmax.pipeline import datasets
from softmax.pipeline.datasets import DatasetEntry

GRAY, RGB = (28, 28), (20, 30, 3)
MIDDLE = 144  # a gray level between paper and ink
SEVEN = Image.fromarray(photographed(written("7")))
BLUE = Image.merge("RGB", [SEVEN, SEVEN, Image.new("L", SEVEN.size, 250)])  # blue ink on white


def read(
    *paths: Path, shape: tuple[int, ...] = GRAY, prepared: str = "pen strokes"
) -> tuple[list[PreparedImage], list[str]]:
    """Return the images as prepared for a model with this image shape, and the errors."""
    entry = DatasetEntry.model_construct(shape=shape, prepared=prepared)
    found, failed = user_images.read(paths, entry)
    return found, list(map(str, failed))


def seen(image: Image.Image, path: Path, **entry: Any) -> PreparedImage:
    """Save an image to `path`, and return it as prepared for a model."""
    image.save(path, "PNG")
    ((found,), failed) = read(path, **entry)
    assert failed == []
    return found


def clear(image: Image.Image, color: str) -> Image.Image:
    """Return strokes of one color on a transparent background."""
    strokes = Image.new("RGBA", image.size, color)
    strokes.putalpha(Image.fromarray(255 * (np.asarray(image) < MIDDLE).astype(np.uint8)))
    return strokes


FORMS = {
    "black on nothing": clear(SEVEN, "black"),
    "white on nothing": clear(SEVEN, "white"),
    "blue": BLUE,
    "large": Image.fromarray(photographed(written("7", 2400), noise=10)),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_photo_in_any_format_is_prepared_the_same(name: str, tmp_path: Path) -> None:
    plain = seen(SEVEN, tmp_path / "7.png").pixels
    found = seen(FORMS[name], tmp_path / name)
    assert found.done == ("centered" if "white on" in name else "inverted, centered")
    assert abs(found.pixels - plain.astype(int)).mean() < (4 if name == "large" else 1.5)


@pytest.mark.parametrize("prepared", ["as they are", "pen strokes", "resized"])
def test_images_of_the_models_size_are_unchanged(prepared: str, tmp_path: Path) -> None:
    for mode in ("L", "RGB", "P", "RGBA"):
        image = Image.fromarray(noise(*GRAY)).convert(mode)
        _, pixels, done = seen(image, tmp_path / "a.png", prepared=prepared)
        assert done == "as it is"
        assert (pixels == noise(*GRAY)).all()
    clear_one = clear(SEVEN.resize(GRAY), "black")
    assert seen(clear_one, tmp_path / "a.png").done == "inverted, centered"


def test_images_other_than_strokes_need_the_models_size_and_colors(tmp_path: Path) -> None:
    path, levels = tmp_path / "a.png", noise(*RGB)
    assert (seen(Image.fromarray(levels[..., 0]), path, shape=RGB).pixels == levels[..., :1]).all()
    Image.fromarray(levels).save(path)
    taken = "gray images of 20 x 30 pixels", "gray images of 28 x 28 pixels", "RGB images of 9 x 9"
    for shape, wanted in zip((RGB[:2], GRAY, (9, 9, 3)), taken, strict=True):
        line = f"{path}: RGB, 20 x 30 pixels, but this model takes {wanted}"
        assert read(path, shape=shape, prepared="as they are")[1][0].startswith(line)
    assert "takes gray images of any size" in read(path, prepared="resized")[1][0]


KINDS = {"png": RGB, "webp": RGB, "tif": (20, 30), "csv": (30, 30), "parquet": RGB, "npz": RGB}


def save(kind: str, shape: tuple[int, ...]) -> Path:
    """Write 40 images of two classes, rotated by EXIF in image files, and return the path."""
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
def test_images_are_prepared_as_in_the_import(kind: str, size: dict[str, str], add: Add) -> None:
    place = save(kind, KINDS[kind])
    add(PLACE, size="9x9")  # a previous version, whose entry must be replaced completely
    imported = add(place, **size).arrays[::2]
    entry = datasets.load()["mine"]
    found, failed = user_images.read([place], entry)
    assert failed == []
    assert {image.done for image in found} == {"resized" if size else "as it is"}
    pixels = {image.tobytes() for part in imported for image in part}
    assert {image.pixels.tobytes() for image in found} == pixels
    assert entry.prepared == ("resized" if size else "as they are")
    assert entry.decoder.startswith("Pillow ") == (kind not in ("csv", "npz"))


@pytest.mark.parametrize("first", [[], ["label"], ["ID"], ["id", "Label"]])
def test_table_rows_are_named_by_id_or_number(first: list[str], tmp_path: Path) -> None:
    """Without a header, expect a column of labels to be recognized, but not a column of ids."""
    images, path = noise(3, 2, 4), tmp_path / "a.csv"
    pixels = pd.DataFrame(images.reshape(3, -1)).add_prefix("pixel" if first else "")
    table = pd.DataFrame({name: [250, 9, 7] for name in first}).join(pixels, how="right")
    ids = first not in ([], ["label"])
    names = ["250", "9", "7"] if ids else ["1", "2", "3"]
    for header in [True] if ids else [True, False]:
        table.to_csv(path, header=header, index=False)
        found, _ = read(path, shape=(2, 4), prepared="as they are")
        assert [image.name for image in found] == names
        assert (np.stack([image.pixels for image in found]) == images).all()
    table.assign(one=0, more=0).to_csv(path, index=False)
    (line,) = read(path, shape=(2, 4), prepared="as they are")[1]
    assert line.startswith(f"{path}: 10 pixel columns, but this model takes gray images of 2")


@pytest.mark.parametrize("shape", [GRAY, RGB])
def test_arrays_of_the_models_shape_are_read(shape: tuple[int, ...], tmp_path: Path) -> None:
    images = noise(3, *shape)
    write_idx(tmp_path / "images", images)
    forms = {"x": images, "rows": images.reshape(3, -1), "one": images[0], "deep": images + 0}
    np.savez(tmp_path / "a.npz", labels=np.arange(3), small=images[:, 1:, 1:], **forms)
    packed = tmp_path / "images.gz"
    packed.write_bytes(gzip.compress((tmp_path / "images").read_bytes()))
    found, failed = read(tmp_path / "images", tmp_path / "a.npz", packed, shape=shape)
    assert (np.stack([image.pixels for image in found[-3:]]) == images).all()
    assert failed == []
    rows = [f"{name}[{n}]" for name in ("images", "a.npz:x", "a.npz:rows") for n in range(3)]
    assert [image.name for image in found][:10] == [*rows, "a.npz:one[0]"]
    for name, pixels, _ in found:
        assert (pixels == images[int(name[-2])]).all()


def test_all_images_below_a_directory_except_hidden_ones_are_read(tmp_path: Path) -> None:
    for name in ("b.png", "sub/a.JPG", "sub/sub/\udcff.png", ".hidden/c.png", "sub/._b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        SEVEN.save(tmp_path / name)
    (tmp_path / "labels.csv").touch()
    (tmp_path / "sub/damaged.png").touch()
    found, failed = read(tmp_path)
    assert [image.name for image in found] == ["b.png", "sub/a.JPG", "sub/sub/\\xff.png"]
    assert [line.partition(": ")[0] for line in failed] == [f"{tmp_path}/sub/damaged.png"]


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "film.gif": (SEVEN.save, "not an image (PNG, JPEG, BMP, PPM, TIFF, WEBP), or damaged"),
    "16 bits.png": (Image.new("I;16", (9, 9), 256).save, "more than 8 bits per channel. Run `mo"),
    "pipe.png": (os.mkfifo, "is a pipe or a device. Save its content as a file."),
    "directory": (Path.mkdir, "contains no images. Name an image, a"),
    "labels": (lambda path: write_idx(path, np.arange(10)), "not a 3-dimensional IDX file"),
    "size": (lambda path: write_idx(path, np.ones((3, 27, 28))), "3 images of 27 x 28, but"),
    "no numbers.csv": (lambda path: path.write_text("a,b\n1,x\n"), "image 1, column b: 'x' is not"),
    "header.csv": (lambda path: path.write_text("id,file\n"), "contains no images"),
    "labels.csv": (lambda path: path.write_text("id,label\n"), "2 columns (id, label), but no"),
    "a-idx3-ubyte.gz": (lambda path: path.write_bytes(b"\x1f\x8b\x08"), "Compressed file ended"),
    "labels.npz": (lambda path: np.savez(path, y=np.arange(3)), "no images in y. Use (n"),
    "a.npz": (lambda path: np.savez(path, x=np.zeros((3, 28, 28))), "x (float64) should contain"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_an_unreadable_image_gives_one_line(name: str, tmp_path: Path) -> None:
    write, reason = FAULTS[name]
    write(tmp_path / name)
    SEVEN.save(tmp_path / "7.png")
    found, (line,) = read(tmp_path / name, tmp_path / "7.png")
    assert len(found) == 1
    assert line.startswith(f"{tmp_path / name}: {reason}")
    assert "dvc" not in line


def test_dark_strokes_on_a_light_background_give_a_warning(tmp_path: Path) -> None:
    digits = np.pad(np.full((4, 20, 10), 200, np.uint8), ((0, 0), (4, 4), (9, 9)))
    write_idx(tmp_path / "a", np.concatenate([digits, 255 - digits]))
    found, _ = read(tmp_path / "a")
    entries = [DatasetEntry.model_construct(shape=GRAY, prepared=p) for p in ("pen strokes", "")]
    output = [user_images.warn(images, e) for images in (found, found[:4]) for e in entries]
    assert output[0].startswith("4 of 8 images, such as a[4], have a light border")
    assert output[1:] == ["", "", ""]
