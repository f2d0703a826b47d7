"""torchvision's data sets, small ones, from a server on this machine, in the files of the real."""

import bz2
import gzip
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from helpers.sites import body, serving
from importing.pins import Pin, noise, to_idx
from numpy.typing import NDArray

Resources = list[tuple[str, str]]  # a URL and the MD5 of what is there
Serve = Callable[[dict[str, bytes]], Resources]
IMAGES = [noise(count, 28, 28, seed=count) for count in (94, 47)]
DIGITS = [np.arange(len(part)) % 10 for part in IMAGES]
DATASETS = "torchvision.datasets"


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves files by name, in their order."""

    def give(files: dict[str, bytes]) -> Resources:
        url = serve({name: body(content) for name, content in files.items()})
        md5 = [hashlib.md5(file, usedforsecurity=False).hexdigest() for file in files.values()]
        return [(f"{url}/{name}", digest) for name, digest in zip(files, md5, strict=True)]

    with serving() as serve:
        yield give


def files(
    parts: Sequence[str], labels: Sequence[NDArray[np.integer]], kind: str = "u1"
) -> dict[str, bytes]:
    """Return gzipped IDX files of images and labels, by name."""
    contents = {}
    for part, images, labels_of_it in zip(parts, IMAGES, labels, strict=True):
        contents[f"{part}-images-idx3-ubyte.gz"] = to_idx(images)
        contents[f"{part}-labels-idx1-ubyte.gz"] = to_idx(labels_of_it, kind)
    return {name: gzip.compress(content, 1) for name, content in contents.items()}


def test_kmnist(pin: Pin, serve: Serve) -> None:
    served = serve(files(("train", "t10k"), DIGITS))
    mirror = served[0][0].rpartition("/")[0]
    pin.workspace.monkeypatch.setattr(f"{DATASETS}.KMNIST.mirrors", [f"{mirror}/"])
    resources = [(url.removeprefix(f"{mirror}/"), md5) for url, md5 in served]
    wrong = [(name, "0" * 32) for name, _ in resources]
    pin.workspace.monkeypatch.setattr(f"{DATASETS}.KMNIST.resources", wrong)
    refused = pin.run("torchvision", "kmnist")
    assert refused.status == 2
    assert "error: torchvision: kmnist: Error downloading" in refused.err.splitlines()[-1]

    pin.workspace.monkeypatch.setattr(f"{DATASETS}.KMNIST.resources", resources)
    pinned = pin("torchvision", "kmnist")
    assert pinned.classes == ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
    assert np.array_equal(pinned.arrays[0], IMAGES[0])
    assert np.array_equal(pinned.arrays[3], DIGITS[1])


def test_qmnist(pin: Pin, serve: Serve) -> None:
    """Read rows of eight integers as labels, of which the first is the class."""
    rows = [np.stack([part, *np.full((7, len(part)), 9)], 1) for part in DIGITS]
    served = serve(files(("train", "test"), rows, ">i4"))
    parts = {"train": served[:2], "test": served[2:]}
    pin.workspace.monkeypatch.setattr(f"{DATASETS}.QMNIST.resources", parts)
    pinned = pin("torchvision", "qmnist")
    assert "".join(pinned.classes) == "0123456789"
    assert np.array_equal(pinned.arrays[2], IMAGES[1])
    assert np.array_equal(pinned.arrays[1], DIGITS[0])


@pytest.mark.parametrize(("split", "count", "last"), [("letters", 26, "z"), ("balanced", 47, "t")])
def test_emnist(pin: Pin, serve: Serve, split: str, count: int, last: str) -> None:
    """Turn the images, which lie on their side in the files, and call the first letter 0."""
    labels = [np.arange(len(part)) % count for part in IMAGES]
    parts = [f"emnist-{split}-{part}" for part in ("train", "test")]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        for name, file in files(parts, [part + (split == "letters") for part in labels]).items():
            content.writestr(f"gzip/{name}", file)
    ((url, md5),) = serve({"gzip.zip": archive.getvalue()})
    pin.workspace.monkeypatch.setattr(f"{DATASETS}.EMNIST.url", url)
    pin.workspace.monkeypatch.setattr(f"{DATASETS}.EMNIST.md5", md5)
    pinned = pin("torchvision", f"emnist-{split}")
    assert len(pinned.classes) == count
    assert pinned.classes[-1] == last
    assert np.array_equal(pinned.arrays[0][3], IMAGES[0][3].T)
    assert np.array_equal(pinned.arrays[3], labels[1])


def test_usps(pin: Pin, serve: Serve) -> None:
    """Read a text of labels 1 to 10 and pixels -1 to 1."""
    pixels = " ".join(f"{k + 1}:{2 * k / 255 - 1:.6f}" for k in range(256))
    texts = ["".join(f"{k % 10 + 1} {pixels}\n" for k in range(count)) for count in (20, 10)]
    served = serve({f"{k}.bz2": bz2.compress(text.encode()) for k, text in enumerate(texts)})
    parts = {
        part: (url, f"{part}.bz2", md5)
        for part, (url, md5) in zip(("train", "test"), served, strict=True)
    }
    pin.workspace.monkeypatch.setattr(f"{DATASETS}.USPS.split_list", parts)
    pinned = pin("torchvision", "usps")
    assert "".join(pinned.classes) == "0123456789"
    assert pinned.arrays[0].shape == (20, 16, 16)
    assert np.abs(pinned.arrays[0][0].ravel() - np.arange(256)).max() <= 1
    assert pinned.arrays[3].tolist() == list(range(10))


def test_other_names_are_refused(pin: Pin) -> None:
    names = "kmnist, qmnist, emnist-letters, emnist-balanced, usps"
    pin.refused("torchvision", f"mine: of torchvision there are {names}")
