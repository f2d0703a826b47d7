"""A tiny data set as good mirrors give it, and what is said when none does."""

import gzip
from collections.abc import Callable

import numpy as np
from helpers.sites import Reply, body

Files = dict[str, bytes]
Fetch = Callable[..., tuple[Files, str]]
IMAGES = [
    np.random.default_rng(n).integers(256, size=(count, 784), dtype=np.uint8)
    for n, count in enumerate((2, 1, 2))  # training, validation, test
]


def plain(files: Files) -> dict[str, Reply]:
    """Return a site of the files as they are."""
    return {name: body(content) for name, content in files.items()}


def gzipped(files: Files) -> dict[str, Reply]:
    """Return a site of the files as .gz."""
    return {f"{name}.gz": body(gzip.compress(content)) for name, content in files.items()}


def expected(dataset: str, files: Files) -> Files:
    """Return what is fetched, by path."""
    return {f"data/{dataset}/{name}": content for name, content in files.items()}


def message(dataset: str, *failures: str) -> str:
    """Return what fetch raises for these reasons."""
    return "\n".join(
        [
            f"no source gave {dataset}:",
            *failures,
            "set MNIST_MIRROR to a directory or URL that holds train-images-idx3-ubyte, "
            "train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte",
        ]
    )
