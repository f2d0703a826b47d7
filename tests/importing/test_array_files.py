"""Test NumPy's .npz files in the layouts of Keras and MedMNIST, and torchvision's data sets."""

import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.datasets
from importing.data_add import Add, noise, pairs

from softmax.pipeline import datasets

PATH = Path("mine.npz")
GOOD: dict[str, Any] = {
    "x_train": noise(20, 4, 5),
    "y_train": np.arange(20) % 10,
    "x_test": noise(10, 4, 5, seed=1),
    "y_test": np.arange(10),
}
EXPECTED = [pairs(GOOD[f"x_{part}"], GOOD[f"y_{part}"]) for part in ("train", "test")]


def test_arrays_in_the_layouts_of_keras_are_unchanged(add: Add) -> None:
    """Import gray and RGB images, and images whose last axis has length 1."""
    np.savez(PATH, **GOOD)
    result = add(PATH)
    assert result.classes == tuple("0123456789")
    assert [result.pairs(0), result.pairs(1)] == EXPECTED
    rgb = {name: np.stack([GOOD[name]] * 3, axis=-1) for name in ("x_train", "x_test")}
    np.savez_compressed(PATH, **GOOD | rgb)
    assert add(PATH).pairs(0) == pairs(rgb["x_train"], GOOD["y_train"])
    np.savez(PATH, **GOOD | {name: GOOD[name][..., None] for name in ("x_train", "x_test")})
    assert [add(PATH).pairs(0), add(PATH).pairs(1)] == EXPECTED


def test_data_at_the_limits_can_be_imported(add: Add) -> None:
    """Import 1,000 classes with names of 40 characters, and images of 128 rows."""
    names = np.array([f"{k:040}" for k in range(1000)][::-1])
    images = noise(1000, 128, 1)
    np.savez(PATH, x_train=images, y_train=names, x_test=images, y_test=names)
    result = add(PATH)
    assert result.classes == tuple(names[::-1].tolist())
    assert len(result.out.split("\n\n")[1].splitlines()) < 20
    assert result.arrays[1].dtype == ">i4"
    assert result.pairs(0) == pairs(images, names)


def test_images_that_are_too_large_can_be_resized(add: Add) -> None:
    large = {name: np.repeat(np.repeat(GOOD[name], 40, 1), 40, 2) for name in ("x_train", "x_test")}
    np.savez_compressed(PATH, **GOOD | large)
    allowed = "but images may have 1 x 1 to 128 x 128. Use a smaller size, such as --size 28x28."
    add.rejected(PATH, f"mine.npz: 160 x 200 pixels, {allowed}")
    add.rejected(PATH, f"--size: 2 x 129 pixels, {allowed}", size="2x129")
    assert add(PATH, size="4x5").pairs(0) == EXPECTED[0]


@pytest.mark.parametrize(
    "labels",
    [
        np.eye(10, dtype=int),
        np.eye(10),
        np.array([f"{k} mèo".encode() for k in range(10)]),
        np.arange(10)[:, None],
    ],
)
def test_labels_may_be_one_hot_or_bytes_and_pixels_any_integers(add: Add, labels: Any) -> None:
    images = {name: GOOD[name].astype(np.int64) for name in ("x_train", "x_test")}
    np.savez(PATH, **images, y_train=labels[GOOD["y_train"]], y_test=labels[GOOD["y_test"]])
    result = add(PATH)
    assert [image for image, _ in result.pairs(0)] == [image for image, _ in EXPECTED[0]]
    assert result.classes[1] == ("1 mèo" if labels.dtype.kind == "S" else "1")


def test_the_validation_set_of_medmnist_is_the_end_of_the_training_set(add: Add) -> None:
    arrays = {"train_images": GOOD["x_train"], "train_labels": GOOD["y_train"]}
    arrays |= {"val_images": GOOD["x_test"], "val_labels": GOOD["y_test"]}
    np.savez(PATH, **arrays, test_images=GOOD["x_test"], test_labels=GOOD["y_test"][:, None])
    result = add(PATH)
    assert result.pairs(0) == sorted(EXPECTED[0] + EXPECTED[1])
    assert "train.validation to 10" in result.out


FAULTS: dict[str, dict[str, Any]] = {
    "contains x_train, y_train, x_test. Name the arrays x_train,": {"y_test": None},
    "x_train (float64) should contain only integers": {"x_train": GOOD["x_train"] / 255},
    "x_test has shape (10, 20). Use (n": {"x_test": GOOD["x_test"].reshape(10, 20)},
    "y_test has shape (10, 10). Use (n,)": {"y_test": 2 * np.eye(10, dtype=int)},
    "y_test is not UTF-8": {"y_test": np.array([b"\xff"] * 10)},
    "x_train has shape (). Use (n": {"x_train": np.uint8(3)},
    "not an .npz of plain arrays (": {"y_test": np.array([{}] * 10)},
}


@pytest.mark.parametrize("reason", FAULTS)
def test_invalid_files_are_rejected(add: Add, reason: str) -> None:
    arrays = {name: array for name, array in (GOOD | FAULTS[reason]).items() if array is not None}
    np.savez(PATH, **arrays)
    add.rejected(PATH, f"mine.npz: {reason}")


def test_damaged_files_are_rejected(add: Add) -> None:
    for content in (b"", b"PK\3\4 and so on", b"\x93NUMPY"):
        PATH.write_bytes(content)
        add.rejected(PATH, "mine.npz: not an .npz of plain arrays (")


COUNTS = {True: 94, False: 47}
KMNIST = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
BALANCED = [f"c{k}" for k in range(47)]


@pytest.mark.parametrize(
    ("name", "classes", "served"),
    [
        ("kmnist", KMNIST, lambda labels: labels),
        ("qmnist", string.digits, lambda labels: np.stack([labels] * 8, 1)),  # the label is first
        ("usps", string.digits, lambda labels: labels),
        ("emnist-letters", string.ascii_lowercase, lambda labels: labels + 1),
        ("emnist-balanced", BALANCED, lambda labels: labels),
    ],
)
def test_torchvision_images_labels_and_classes_are_imported(
    add: Add, name: str, classes: list[str] | str, served: Callable[[Any], Any]
) -> None:
    """Emulate torchvision, which may lack class names and returns EMNIST's images transposed."""
    images = {train: noise(count, 28, 28, seed=train) for train, count in COUNTS.items()}
    labels = {train: np.arange(count) % len(classes) for train, count in COUNTS.items()}

    class Fake:  # replaces torchvision's class, which downloads
        def __init__(self, _root: Any, *, train: bool, download: bool, split: str = "") -> None:
            assert download
            self.data, self.targets = map(torch.tensor, (images[train], served(labels[train])))
            self.classes, self.split = classes if isinstance(classes, list) else [], split

    owner = name.split("-", maxsplit=1)[0].upper()
    add.workspace.monkeypatch.setattr(torchvision.datasets, owner, Fake)
    result = add("torchvision", name)
    assert result.classes == tuple(classes)
    turned = images[True].transpose(0, 2, 1) if owner == "EMNIST" else images[True]
    prepared = "as they are" if name == "usps" else "pen strokes"
    assert datasets.load()[name].prepared == prepared
    assert np.array_equal(result.arrays[0], turned)
    assert np.array_equal(result.arrays[3], labels[False])


def test_a_failed_download_gives_one_line(add: Add) -> None:
    served = {"resources": [("no-such-file.gz", "0" * 32)], "mirrors": ["http://127.0.0.1:1/"]}
    for name, value in served.items():
        add.workspace.monkeypatch.setattr(torchvision.datasets.KMNIST, name, value)
    printed = add.run("torchvision", "kmnist")
    assert printed.status == 2
    assert "error: torchvision: kmnist: Error downloading" in printed.err.splitlines()[-1]
