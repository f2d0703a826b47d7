"""Folders of images: the same classes and pixels as torchvision's ImageFolder has."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from pinning.places import RANDOM, read, refused, write_images
from torchvision.datasets import ImageFolder

COUNTS = {"owl": 5, "Cat": 4, "dog": 3}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Training and test images of three classes."""
    write_images(tmp_path / "train", COUNTS)
    write_images(tmp_path / "test", dict.fromkeys(COUNTS, 2))
    return tmp_path


@pytest.mark.parametrize("shape", [(6, 9), (6, 9, 3)])
def test_classes_order_and_pixels_are_those_of_image_folder(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    for part in ("train", "test"):
        write_images(tmp_path / part, COUNTS, shape)
        write_images(tmp_path / part / "dog", {"more": 2}, shape)
    found, arrays = read(tmp_path)
    for part, (images, labels) in {"train": arrays[:2], "test": arrays[2:]}.items():
        expected = ImageFolder(tmp_path / part)
        assert found.classes == expected.classes == ["Cat", "dog", "owl"]
        assert labels.tolist() == expected.targets
        pixels = np.stack([np.asarray(image) for image, _ in expected])
        assert np.array_equal(images, pixels if len(shape) == 3 else pixels[..., 0])


def test_without_a_split_a_sixth_is_for_the_test_by_the_hash_of_the_name(tmp_path: Path) -> None:
    write_images(tmp_path, {"a": 200, "b": 200}, (1, 1))
    found, (training, _, test, labels) = read(tmp_path)
    names = [f"{name}/{k:03}.png" for name in "ab" for k in range(200)]
    hashes = {name: int(hashlib.sha256(name.encode()).hexdigest()[:16], 16) for name in names}
    chosen = [name for name in names if hashes[name] < 2**64 / 6]
    expected = [np.asarray(Image.open(tmp_path / name)) for name in chosen]
    assert np.array_equal(test, np.stack(expected))
    assert [found.classes[k] for k in labels] == [name[0] for name in chosen]
    assert 45 < len(test) < 90
    assert len(training) + len(test) == 400


def test_all_lossless_formats_give_the_same_pixels(place: Path) -> None:
    path = place / "train/Cat/000.png"
    expected = read(place)[1][0]
    for ending in ("bmp", "tif", "pgm"):
        Image.open(path).save(path.with_suffix(f".{ending}"))
        path.unlink()
        path = path.with_suffix(f".{ending}")
        assert np.array_equal(read(place)[1][0], expected)


def test_gray_among_rgb_becomes_rgb_and_is_told(place: Path) -> None:
    gray = np.asarray(Image.open(place / "train/dog/000.png"))
    Image.fromarray(RANDOM.integers(256, size=(6, 9, 3), dtype=np.uint8)).save(
        place / "test/owl/000.png"
    )
    found, (training, *_) = read(place)
    assert np.array_equal(training[4], np.stack([gray] * 3, axis=-1))
    assert found.warnings == ["17 of 18 images are gray; they are RGB from now on"]


def test_photos_that_lie_on_their_side_are_told(place: Path) -> None:
    exif = Image.Exif()
    for k in (1, 6):
        exif[ExifTags.Base.Orientation] = k
        Image.new("L", (9, 6)).save(place / f"train/dog/{k}.jpg", exif=exif)
    found, (training, *_) = read(place)
    assert training.shape[1:] == (6, 9)
    assert found.warnings == [
        "1 of 20 images are shown turned, by EXIF, and pinned as they are stored; "
        "`mogrify -auto-orient` turns them"
    ]


def test_what_is_not_read_is_told(place: Path) -> None:
    (place / "train/dog/notes.txt").touch()
    (place / "train/dog/.DS_Store").touch()
    (place / "val/dog").mkdir(parents=True)
    assert read(place)[0].warnings == ["not read, 2 in all: train/dog/notes.txt, val"]


def test_resized_images_may_have_any_size(place: Path) -> None:
    write_images(place / "train", {"dog": 1}, (300, 200))
    _, (training, _, test, _) = read(place, size=(4, 5))
    assert training.shape == (12, 4, 5)
    assert test.shape == (6, 4, 5)


def test_mixed_sizes(place: Path) -> None:
    write_images(place / "test", {"dog": 2}, (7, 9))
    write_images(place / "test", {"owl": 1}, (6, 8))
    refused(
        place,
        f"{place}/test/dog/000.png: 7 x 9 pixels, where 15 of 18 images have 6 x 9; 3 sizes in all",
    )


def test_too_large(tmp_path: Path) -> None:
    write_images(tmp_path, {"a": 20, "b": 20}, (129, 2))
    refused(tmp_path, "images of 129 x 2 pixels; allowed are 1 x 1 to 128 x 128, and SIZE=28x28")
    refused(tmp_path, "SIZE: images of 2 x 129 pixels; allowed", size=(2, 129))


def test_a_class_that_the_test_set_lacks(place: Path) -> None:
    write_images(place / "train", {"fox": 7})
    refused(place, "class fox has 7 training and 0 test images; each of the 4 classes needs both")


def test_a_class_that_is_only_tested(place: Path) -> None:
    write_images(place / "test", {"fox": 1, "yak": 1})
    refused(place, "class fox has 0 training and 1 test images, and 1 more lack some")


def test_a_class_of_too_few_images_to_split(tmp_path: Path) -> None:
    write_images(tmp_path, {"a": 20, "b": 1})
    refused(tmp_path, "class b has 1 training and 0 test images")


def test_an_empty_class(place: Path) -> None:
    (place / "train/emu").mkdir()
    refused(place, "class emu has 0 training and 0 test images")


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ({}, ": 0 classes; 2 to 1000 are allowed"),
        ({"one": 9}, ": 1 class (one); 2 to 1000 are allowed"),
        ({f"{k:04}": 0 for k in range(1001)}, ": 1001 classes (0000, 0001, 0002, 0003, 0004, ...)"),
        ({"a": 1, "b" * 41: 1}, f"class {'b' * 41!r}; a name has 1 to 40 letters"),
        ({"train": 9}, ": has a folder train; should have train and test, or neither"),
    ],
)
def test_folders_that_are_no_classes(tmp_path: Path, counts: dict[str, int], reason: str) -> None:
    write_images(tmp_path, counts)
    refused(tmp_path, reason)
