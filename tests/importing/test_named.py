"""The data sets of torchvision, small ones: images, labels and classes as people know them."""

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


def images(train: bool) -> Any:
    """Return gray images."""
    return noise(COUNTS[train], 28, 28, seed=train)


def labels(train: bool, classes: int = 10) -> Any:
    """Return each class in turn."""
    return np.arange(COUNTS[train]) % classes


def fake(targets: Callable[[bool], Any], classes: list[str]) -> Callable[..., Any]:
    """Return what stands for a class of torchvision, which would download."""

    class Fake:
        def __init__(self, _root: Any, *, train: bool, download: bool, split: str = "") -> None:
            assert download
            self.data, self.targets = torch.tensor(images(train)), torch.tensor(targets(train))
            self.classes, self.split = classes, split

    return Fake


@pytest.mark.parametrize(
    ("name", "known", "served", "classes"),
    [
        ("kmnist", labels, (labels, KMNIST), KMNIST),
        # rows of eight numbers, of which the first is the class
        ("qmnist", labels, (lambda t: np.stack([labels(t)] * 8, 1), []), "0123456789"),
        ("usps", labels, (labels, []), "0123456789"),
        # the first letter is 1, and images lie on their side
        ("emnist-letters", lambda t: labels(t, 26), (lambda t: labels(t, 26) + 1, []),
         "abcdefghijklmnopqrstuvwxyz"),
        ("emnist-balanced", lambda t: labels(t, 47), (lambda t: labels(t, 47), BALANCED), BALANCED),
    ],
)  # fmt: skip
def test_images_labels_and_classes(
    pin: Pin, name: str, known: Any, served: tuple[Any, list[str]], classes: Any
) -> None:
    owner = name.split("-", maxsplit=1)[0].upper()
    pin.workspace.monkeypatch.setattr(torchvision.datasets, owner, fake(*served))
    pinned = pin("torchvision", name)
    assert list(pinned.classes) == list(classes)
    prepared = "as they are" if name == "usps" else "pen strokes"
    assert datasets.load()[name].prepared == prepared
    turned = images(True).transpose(0, 2, 1) if owner == "EMNIST" else images(True)
    assert np.array_equal(pinned.arrays[0], turned)
    assert np.array_equal(pinned.arrays[3], known(False))


def test_other_names_are_refused(pin: Pin) -> None:
    names = "kmnist, qmnist, emnist-letters, emnist-balanced, usps"
    pin.refused("torchvision", f"mine: of torchvision there are {names}")


def test_a_download_that_fails_is_one_line(pin: Pin) -> None:
    resources = [("no-such-file.gz", "0" * 32)]
    pin.workspace.monkeypatch.setattr("torchvision.datasets.KMNIST.resources", resources)
    pin.workspace.monkeypatch.setattr(
        "torchvision.datasets.KMNIST.mirrors", ["http://127.0.0.1:1/"]
    )
    printed = pin.run("torchvision", "kmnist")
    assert printed.status == 2
    assert "error: torchvision: kmnist: Error downloading" in printed.err.splitlines()[-1]
