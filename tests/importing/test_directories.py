"""Directories of images: the same classes and pixels as torchvision's ImageFolder has."""

import hashlib
import unicodedata

import numpy as np
import pytest
from importing.pins import PLACE, Pin, noise, write_images
from PIL import ExifTags, Image

COUNTS = {"train/owl": 5, "train/Cat": 4, "train/dog": 3}
COUNTS |= {"test/owl": 2, "test/Cat": 2, "test/dog": 2}


@pytest.mark.parametrize("shape", [(6, 9), (6, 9, 3)])
def test_classes_order_and_pixels_are_those_of_image_folder(
    pin: Pin, shape: tuple[int, ...]
) -> None:
    from torchvision.datasets import ImageFolder

    write_images(PLACE, COUNTS | {"train/dog/more": 2, "test/dog/more": 2}, shape)
    pinned = pin()
    for part, k in {"train": 0, "test": 2}.items():
        images, labels = pinned.arrays[k : k + 2]
        expected = ImageFolder(PLACE / part)
        assert list(pinned.classes) == expected.classes == ["Cat", "dog", "owl"]
        assert labels.tolist() == expected.targets
        pixels = np.stack([np.asarray(image) for image, _ in expected])
        assert np.array_equal(images, pixels if len(shape) == 3 else pixels[..., 0])


def test_without_a_split_a_sixth_is_for_the_test_by_the_hash_of_the_name(pin: Pin) -> None:
    write_images(PLACE, {"a": 100, "b": 100}, (1, 1))
    pinned = pin()
    training, _, test, labels = pinned.arrays
    names = [f"{name}/{k:03}.png" for name in "ab" for k in range(100)]
    hashes = {name: int(hashlib.sha256(name.encode()).hexdigest()[:16], 16) for name in names}
    chosen = [name for name in names if hashes[name] < 2**64 / 6]
    expected = [np.asarray(Image.open(PLACE / name)) for name in chosen]
    assert np.array_equal(test, np.stack(expected))
    assert [pinned.classes[k] for k in labels] == [name[0] for name in chosen]
    assert 20 < len(test) < 50
    assert len(training) + len(test) == 200


def test_what_nobody_expects_is_told(pin: Pin) -> None:
    """Find RGB among gray, a photo that lies on its side, and files and folders of no use."""
    write_images(PLACE, COUNTS)
    gray = np.asarray(Image.open(PLACE / "train/dog/000.png"))
    Image.fromarray(noise(6, 9, 3)).save(PLACE / "test/owl/000.png")
    exif = Image.Exif()
    for k in (1, 6):
        exif[ExifTags.Base.Orientation] = k
        Image.new("L", (9, 6)).save(PLACE / f"train/dog/{k}.jpg", exif=exif)
    (PLACE / "train/dog/notes.txt").touch()
    (PLACE / "train/dog/.DS_Store").touch()
    (PLACE / "val/dog").mkdir(parents=True)
    pinned = pin()
    assert np.array_equal(pinned.arrays[0][4], np.stack([gray] * 3, axis=-1))
    assert pinned.arrays[0].shape[1:] == (6, 9, 3)
    assert pinned.warnings[:3] == [
        "warning: 19 of 20 images are gray; they are RGB from now on",
        "warning: 1 of 20 images are shown turned, by EXIF, and pinned as they are stored; "
        "`mogrify -auto-orient` turns them",
        "warning: not read, 2 in all: train/dog/notes.txt, val",
    ]


def test_images_of_several_sizes_are_refused_unless_they_are_resized(pin: Pin) -> None:
    write_images(PLACE, COUNTS)
    write_images(PLACE, {"test/dog": 2}, (7, 9))
    write_images(PLACE, {"test/owl": 1}, (300, 200))
    reason = (
        "7 x 9 pixels, where 15 of 18 images have 6 x 9; 3 sizes in all, --size 28x28 makes one"
    )
    pin.refused(PLACE, f"{PLACE}/test/dog/000.png: {reason}")
    training, _, test, _ = pin(size="4x5").arrays
    assert training.shape == (12, 4, 5)
    assert test.shape == (6, 4, 5)


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        (COUNTS | {"train/fox": 7}, "fox has 7 training and 0 test images; each of the 4 classes"),
        (
            COUNTS | {"test/fox": 1, "test/yak": 1},
            "fox has 0 training and 1 test images, and 1 more",
        ),
        (COUNTS | {"train/emu": 0}, "class emu has 0 training and 0 test images"),
        ({}, ": 0 classes; 2 to 1000 are allowed"),
        ({"one": 9}, ": 1 class (one); 2 to 1000 are allowed"),
        ({f"{k:04}": 0 for k in range(1001)}, ": 1001 classes (0000, 0001, 0002, 0003, 0004, ...)"),
        ({"a": 1, "b" * 41: 1}, f"class {'b' * 41!r}; a name has 1 to 40 letters"),
        ({"train": 9}, ": has a directory train; should have train and test, or neither"),
        ({"a": 20, "b": 1}, "class b has 1 training and 0 test images"),
        (COUNTS | {"Training/owl": 1}, ": Training and train mean the same. Remove one."),
    ],
)
def test_directories_that_are_no_classes_are_refused(
    pin: Pin, counts: dict[str, int], reason: str
) -> None:
    write_images(PLACE, counts)
    pin.refused(PLACE, reason)


@pytest.mark.parametrize("names", [("Train", "TEST"), ("training_set", "test-set")])
def test_the_two_sets_are_found_by_their_usual_names(pin: Pin, names: tuple[str, str]) -> None:
    write_images(PLACE, {f"{name}/{kind}": 2 for name in names for kind in ("cat", "dog")})
    pinned = pin()
    assert pinned.classes == ("cat", "dog")
    assert [len(array) for array in pinned.arrays] == [4] * 4


def test_one_class_in_several_spellings_is_one_and_case_is_told(pin: Pin) -> None:
    spellings = [unicodedata.normalize(form, "mèo") for form in ("NFC", "NFD")]
    names = [*spellings, "cat", "cat ", "Cat"]
    write_images(PLACE, {f"{part}/{name}": 11 for part in ("train", "test") for name in names})
    pinned = pin()
    assert pinned.classes == ("Cat", "cat", "mèo")
    assert np.bincount(pinned.arrays[1]).tolist() == [11, 22, 22]
    assert pinned.warnings[0].endswith("these classes differ by case only: Cat, cat")


@pytest.mark.parametrize(
    "extra", [".ipynb_checkpoints/0.png", "more/.hidden/0.png", "__MACOSX/0.png", "._0.png"]
)
def test_what_is_hidden_is_no_image(pin: Pin, extra: str) -> None:
    write_images(PLACE, COUNTS)
    path = PLACE / "train/dog" / extra
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((PLACE / "test/dog/000.png").read_bytes())
    assert len(pin().arrays[0]) == 12


def test_each_directory_counts_once_and_a_loop_is_refused(pin: Pin) -> None:
    write_images(PLACE, COUNTS | {"train/dog/more": 2})
    (PLACE / "train/dog/same").symlink_to("more")
    assert len(pin().arrays[0]) == 14
    (PLACE / "train/dog/up").symlink_to("..")
    pin.refused(PLACE, "train/dog/up: a link that leads back to")
