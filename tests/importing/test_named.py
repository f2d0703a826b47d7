"""The data sets of torchvision, small ones: images, labels and classes as people know them."""

import string
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.datasets
from importing.pins import Pin, noise

from softmax.pipeline import datasets

COUNTS = {True: 94, False: 47}
KMNIST = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
BALANCED = [f"c{k}" for k in range(47)]


@pytest.mark.parametrize(
    ("name", "classes", "served"),
    [
        ("kmnist", KMNIST, lambda labels: labels),
        ("qmnist", string.digits, lambda labels: np.stack([labels] * 8, 1)),  # and who wrote it
        ("usps", string.digits, lambda labels: labels),
        ("emnist-letters", string.ascii_lowercase, lambda labels: labels + 1),
        ("emnist-balanced", BALANCED, lambda labels: labels),
    ],
)
def test_images_labels_and_classes(
    pin: Pin, name: str, classes: list[str] | str, served: Callable[[Any], Any]
) -> None:
    """Names that torchvision has are in a list, and images of EMNIST lie on their side."""
    images = {train: noise(count, 28, 28, seed=train) for train, count in COUNTS.items()}
    labels = {train: np.arange(count) % len(classes) for train, count in COUNTS.items()}

    class Fake:  # of torchvision's own, which downloads
        def __init__(self, _root: Any, *, train: bool, download: bool, split: str = "") -> None:
            assert download
            self.data, self.targets = map(torch.tensor, (images[train], served(labels[train])))
            self.classes, self.split = classes if isinstance(classes, list) else [], split

    owner = name.split("-", maxsplit=1)[0].upper()
    pin.workspace.monkeypatch.setattr(torchvision.datasets, owner, Fake)
    pinned = pin("torchvision", name)
    assert pinned.classes == tuple(classes)
    turned = images[True].transpose(0, 2, 1) if owner == "EMNIST" else images[True]
    prepared = "as they are" if name == "usps" else "pen strokes"
    assert datasets.load()[name].prepared == prepared
    assert np.array_equal(pinned.arrays[0], turned)
    assert np.array_equal(pinned.arrays[3], labels[False])


def test_other_names_are_refused(pin: Pin) -> None:
    names = "kmnist, qmnist, emnist-letters, emnist-balanced, usps"
    pin.refused("torchvision", f"mine: of torchvision there are {names}")


def test_a_download_that_fails_is_one_line(pin: Pin) -> None:
    served = {"resources": [("no-such-file.gz", "0" * 32)], "mirrors": ["http://127.0.0.1:1/"]}
    for name, value in served.items():
        pin.workspace.monkeypatch.setattr(torchvision.datasets.KMNIST, name, value)
    printed = pin.run("torchvision", "kmnist")
    assert printed.status == 2
    assert "error: torchvision: kmnist: Error downloading" in printed.err.splitlines()[-1]
