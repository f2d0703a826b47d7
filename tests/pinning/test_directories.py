"""Directories of images: the same classes and pixels as torchvision's ImageFolder has."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from pinning.pins import Pin, noise, write_images

COUNTS = {"owl": 5, "Cat": 4, "dog": 3}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Training and test images of three classes."""
    place = tmp_path / "place"
    write_images(place / "train", COUNTS)
    write_images(place / "test", dict.fromkeys(COUNTS, 2))
    return place


@pytest.mark.parametrize("shape", [(6, 9), (6, 9, 3)])
def test_classes_order_and_pixels_are_those_of_image_folder(
    pin: Pin, tmp_path: Path, shape: tuple[int, ...]
) -> None:
    from torchvision.datasets import ImageFolder

    place = tmp_path / "place"
    for part in ("train", "test"):
        write_images(place / part, COUNTS, shape)
        write_images(place / part / "dog", {"more": 2}, shape)
    pinned = pin(place)
    for part, k in {"train": 0, "test": 2}.items():
        images, labels = pinned.arrays[k : k + 2]
        expected = ImageFolder(place / part)
        assert list(pinned.classes) == expected.classes == ["Cat", "dog", "owl"]
        assert labels.tolist() == expected.targets
        pixels = np.stack([np.asarray(image) for image, _ in expected])
        assert np.array_equal(images, pixels if len(shape) == 3 else pixels[..., 0])


def test_without_a_split_a_sixth_is_for_the_test_by_the_hash_of_the_name(
    pin: Pin, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    write_images(place, {"a": 100, "b": 100}, (1, 1))
    pinned = pin(place)
    training, _, test, labels = pinned.arrays
    names = [f"{name}/{k:03}.png" for name in "ab" for k in range(100)]
    hashes = {name: int(hashlib.sha256(name.encode()).hexdigest()[:16], 16) for name in names}
    chosen = [name for name in names if hashes[name] < 2**64 / 6]
    expected = [np.asarray(Image.open(place / name)) for name in chosen]
    assert np.array_equal(test, np.stack(expected))
    assert [pinned.classes[k] for k in labels] == [name[0] for name in chosen]
    assert 20 < len(test) < 50
    assert len(training) + len(test) == 200


def test_all_lossless_formats_give_the_same_pixels(pin: Pin, place: Path) -> None:
    path = place / "train/Cat/000.png"
    expected = pin(place).arrays[0]
    for ending in ("bmp", "tif", "pgm"):
        Image.open(path).save(path.with_suffix(f".{ending}"))
        path.unlink()
        path = path.with_suffix(f".{ending}")
        assert np.array_equal(pin(place).arrays[0], expected)


def test_gray_among_rgb_becomes_rgb_and_is_told(pin: Pin, place: Path) -> None:
    gray = np.asarray(Image.open(place / "train/dog/000.png"))
    Image.fromarray(noise(6, 9, 3)).save(place / "test/owl/000.png")
    pinned = pin(place)
    assert np.array_equal(pinned.arrays[0][4], np.stack([gray] * 3, axis=-1))
    assert pinned.warnings[0] == "warning: 17 of 18 images are gray; they are RGB from now on"


def test_photos_that_lie_on_their_side_are_told(pin: Pin, place: Path) -> None:
    exif = Image.Exif()
    for k in (1, 6):
        exif[ExifTags.Base.Orientation] = k
        Image.new("L", (9, 6)).save(place / f"train/dog/{k}.jpg", exif=exif)
    pinned = pin(place)
    assert pinned.arrays[0].shape[1:] == (6, 9)
    assert pinned.warnings[0] == (
        "warning: 1 of 20 images are shown turned, by EXIF, and pinned as they are stored; "
        "`mogrify -auto-orient` turns them"
    )


def test_what_is_not_read_is_told(pin: Pin, place: Path) -> None:
    (place / "train/dog/notes.txt").touch()
    (place / "train/dog/.DS_Store").touch()
    (place / "val/dog").mkdir(parents=True)
    assert pin(place).warnings[0] == "warning: not read, 2 in all: train/dog/notes.txt, val"


def test_resized_images_may_have_any_size(pin: Pin, place: Path) -> None:
    write_images(place / "train", {"dog": 1}, (300, 200))
    training, _, test, _ = pin(place, size="4x5").arrays
    assert training.shape == (12, 4, 5)
    assert test.shape == (6, 4, 5)


def test_images_of_several_sizes_are_refused(pin: Pin, place: Path) -> None:
    write_images(place / "test", {"dog": 2}, (7, 9))
    write_images(place / "test", {"owl": 1}, (6, 8))
    reason = "7 x 9 pixels, where 15 of 18 images have 6 x 9; 3 sizes in all"
    pin.refused(place, f"{place}/test/dog/000.png: {reason}")


def test_images_that_are_too_large_are_refused(pin: Pin, place: Path) -> None:
    write_images(place / "train", COUNTS, (129, 2))
    write_images(place / "test", dict.fromkeys(COUNTS, 2), (129, 2))
    pin.refused(place, "images of 129 x 2 pixels; allowed are 1 x 1 to 128 x 128, and SIZE=28x28")
    pin.refused(place, "SIZE: images of 2 x 129 pixels; allowed", size="2x129")


@pytest.mark.parametrize(
    ("part", "counts", "reason"),
    [
        ("train", {"fox": 7}, "fox has 7 training and 0 test images; each of the 4 classes needs"),
        ("test", {"fox": 1, "yak": 1}, "fox has 0 training and 1 test images, and 1 more lack"),
        ("train", {"emu": 0}, "class emu has 0 training and 0 test images"),
    ],
)
def test_a_class_without_training_or_test_images_is_refused(
    pin: Pin, place: Path, part: str, counts: dict[str, int], reason: str
) -> None:
    write_images(place / part, counts)
    pin.refused(place, reason)


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ({}, ": 0 classes; 2 to 1000 are allowed"),
        ({"one": 9}, ": 1 class (one); 2 to 1000 are allowed"),
        ({f"{k:04}": 0 for k in range(1001)}, ": 1001 classes (0000, 0001, 0002, 0003, 0004, ...)"),
        ({"a": 1, "b" * 41: 1}, f"class {'b' * 41!r}; a name has 1 to 40 letters"),
        ({"train": 9}, ": has a folder train; should have train and test, or neither"),
        ({"a": 20, "b": 1}, "class b has 1 training and 0 test images"),
    ],
)
def test_directories_that_are_no_classes_are_refused(
    pin: Pin, tmp_path: Path, counts: dict[str, int], reason: str
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    write_images(place, counts)
    pin.refused(place, reason)
