"""Test that directories of images give the same classes and pixels as torchvision's ImageFolder."""

import hashlib
import os
import shutil
import unicodedata

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from importing.data_add import PLACE, Add, noise, pairs, write_images
from PIL import Image

COUNTS = {"train/owl": 5, "train/Cat": 4, "train/dog": 3}
COUNTS |= {"test/owl": 2, "test/Cat": 2, "test/dog": 2}


@pytest.mark.parametrize("shape", [(6, 9), (6, 9, 3)])
def test_classes_and_pixels_match_image_folder(add: Add, shape: tuple[int, ...]) -> None:
    from torchvision.datasets import ImageFolder

    write_images(PLACE, COUNTS | {"train/dog/more": 2, "test/dog/more": 2}, shape)
    result = add()
    for part, k in {"train": 0, "test": 1}.items():
        expected = ImageFolder(PLACE / part)
        assert list(result.classes) == expected.classes == ["Cat", "dog", "owl"]
        pixels = np.stack([np.asarray(image) for image, _ in expected])
        names = [expected.classes[k] for k in expected.targets]
        assert result.pairs(k) == pairs(pixels if len(shape) == 3 else pixels[..., 0], names)


def test_the_pixel_hash_sets_the_order_and_a_sixth_becomes_the_test_set(add: Add) -> None:
    write_images(PLACE, {"a": 100, "b": 100}, (2, 3))
    result = add()
    images = [np.asarray(Image.open(path)).tobytes() for path in PLACE.glob("?/*.png")]
    hashes = {hashlib.sha256(pixels).hexdigest(): pixels for pixels in images}
    chosen = [digest for digest in sorted(hashes) if int(digest[:16], 16) * 6 < 2**64]
    assert [image.tobytes() for image in result.arrays[2]] == [hashes[digest] for digest in chosen]
    rest = [hashes[digest] for digest in sorted(hashes.keys() - chosen)]
    assert [image.tobytes() for image in result.arrays[0]] == rest
    assert 20 < len(chosen) < 50


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(2, 40), min_size=2, max_size=4), st.data())
def test_relabeling_or_renaming_moves_no_image_to_the_other_set(
    add: Add, counts: list[int], data: st.DataObject
) -> None:
    """Rename classes and relabel an image. Even a rare class has an image in each set."""
    shutil.rmtree(PLACE)
    write_images(PLACE, {f"c{k}": count for k, count in enumerate(counts)}, (2, 2))
    before = add()
    assert all(np.bincount(labels).all() for labels in before.arrays[1::2])
    common = [k for k, n in enumerate(counts) if np.bincount(before.arrays[3])[k] > 2 and n > 9]
    for k in common:
        (PLACE / f"c{k}").rename(PLACE / f"d{k}")
    if len(common) > 1:
        wrong = data.draw(st.sampled_from(sorted((PLACE / f"d{common[0]}").iterdir())))
        wrong.rename(PLACE / f"d{common[1]}" / f"corrected-{wrong.name}")
    after = add()
    for part in (0, 1):
        sides = [{pixels for pixels, _ in version.pairs(part)} for version in (before, after)]
        assert sides[0] == sides[1]
        assert len(common) < 1 or before.pairs(part) != after.pairs(part)


def test_a_val_directory_becomes_the_end_of_the_training_set(add: Add) -> None:
    write_images(PLACE, COUNTS | {"val/owl": 1, "val/Cat": 2, "val/dog": 3})
    result = add()
    images = [np.asarray(Image.open(path)).tobytes() for path in PLACE.glob("val/*/*.png")]
    assert {image.tobytes() for image in result.arrays[0][-6:]} == {*images}
    assert len(result.arrays[0]) == 18
    assert "numbers from 0 to 5, train.validation to 6, then run" in result.out


HIDDEN = (".ipynb_checkpoints/0.png", "more/.hidden/0.png", "__MACOSX/0.png", "._0.png")


def test_mixed_colors_and_unused_files_are_reported(add: Add) -> None:
    """Report RGB images among gray ones and unused files, but not hidden files."""
    write_images(PLACE, COUNTS)
    gray = np.asarray(Image.open(PLACE / "train/dog/000.png"))
    Image.fromarray(noise(6, 9, 3)).save(PLACE / "test/owl/000.png")
    (PLACE / "train/dog/notes.txt").touch()
    for path in map((PLACE / "train/dog").joinpath, HIDDEN):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PLACE / "test/dog/000.png", path)
    (PLACE / "others/dog").mkdir(parents=True)
    os.mkfifo(PLACE / "train/dog/pipe.png")
    result = add()
    assert (np.stack([gray] * 3, axis=-1).tobytes(), "dog") in result.pairs(0)
    assert result.arrays[0].shape[1:] == (6, 9, 3)
    assert result.warnings[:2] == [
        "warning: 17 of 18 images are gray and were converted to RGB",
        "warning: 3 files or directories ignored: others, train/dog/notes.txt, train/dog/pipe.png",
    ]


def test_images_of_several_sizes_are_rejected_unless_resized(add: Add) -> None:
    write_images(PLACE, COUNTS)
    write_images(PLACE, {"test/dog": 2}, (7, 9))
    write_images(PLACE, {"test/owl": 1}, (30, 20))
    reason = "7 x 9 pixels, but 15 of 18 images have 6 x 9 (3 sizes in all). Resize with"
    add.rejected(PLACE, f"{PLACE}/test/dog/000.png: {reason} --size")
    assert [images.shape for images in add(size="4x5").arrays[::2]] == [(12, 4, 5), (6, 4, 5)]


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        (COUNTS | {"train/fox": 7}, "fox has 7 training and 0 test images. Each of the 4 classes"),
        (COUNTS | {"test/fox": 1, "test/yak": 1}, "has 0 training and 1 test images (1 more"),
        (COUNTS | {"train/emu": 0}, "class emu has 0 training and 0 test images"),
        ({}, ": no images. Name a table, or a directory"),
        ({"one": 9}, ": number of classes is 1 (one). Use 2 to 1000"),
        ({f"c{k}": k == 0 for k in range(1001)}, "is 1001 (c0, c1, c10, c100, c1000, ...)"),
        ({"a": 1, "b" * 41: 1}, f"class {'b' * 41!r} has an invalid name"),
        ({"train": 9}, ": contains only train, but needs train and test. Add"),
        ({"a": 20, "b": 1}, "class b has 1 training and 0 test images"),
        (COUNTS | {"Training/owl": 1}, ": Training and train have the same meaning. Remove or"),
    ],
)
def test_directories_without_valid_classes_are_rejected(
    add: Add, counts: dict[str, int], reason: str
) -> None:
    write_images(PLACE, counts)
    add.rejected(PLACE, reason)


@pytest.mark.parametrize("names", [("Train", "TEST"), ("training_set", "test-set")])
def test_train_and_test_are_found_by_their_usual_names(add: Add, names: tuple[str, str]) -> None:
    write_images(PLACE, {f"{name}/{kind}": 2 for name in names for kind in ("cat", "dog")})
    result = add()
    assert result.classes == ("cat", "dog")
    assert [len(array) for array in result.arrays] == [4] * 4


def test_unicode_spellings_of_a_class_are_merged_and_case_is_reported(add: Add) -> None:
    spellings = [unicodedata.normalize(form, "mèo") for form in ("NFC", "NFD")]
    names = [*spellings, "cat", "cat ", "Cat"]
    write_images(PLACE, {f"{part}/{name}": 11 for part in ("train", "test") for name in names})
    result = add()
    assert result.classes == ("Cat", "cat", "mèo")
    assert np.bincount(result.arrays[1]).tolist() == [11, 22, 22]
    assert result.warnings[0].endswith("these classes differ only in case: Cat, cat")


def test_each_directory_counts_once_and_a_link_loop_is_rejected(add: Add) -> None:
    write_images(PLACE, COUNTS | {"train/dog/more": 2})
    (PLACE / "train/dog/same").symlink_to("more")
    assert len(add().arrays[0]) == 14
    (PLACE / "train/dog/up").symlink_to("..")
    add.rejected(PLACE, "train/dog/up: links to ")
