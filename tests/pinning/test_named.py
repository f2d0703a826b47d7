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
from numpy.typing import NDArray
from pinning.pins import Pin, noise

from softmax.sources import idx

Resources = list[tuple[str, str]]  # a URL and the MD5 of what is there
IMAGES = [noise(count, 28, 28, seed=count) for count in (94, 47)]
NAMES = [f"{{}}-{kind}" for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")]
DATASETS = "torchvision.datasets"


@pytest.fixture
def serve() -> Iterator[Callable[[dict[str, bytes]], Resources]]:
    """Serves files by name, in their order."""

    def give(files: dict[str, bytes]) -> Resources:
        url = serve({name: body(content) for name, content in files.items()})
        md5 = [hashlib.md5(file, usedforsecurity=False).hexdigest() for file in files.values()]
        return [(f"{url}/{name}", digest) for name, digest in zip(files, md5, strict=True)]

    with serving() as serve:
        yield give


Serve = Callable[[dict[str, bytes]], Resources]


def labels(classes: int, first: int = 0) -> list[NDArray[np.uint8]]:
    """Return for each image one of so many labels."""
    return [(np.arange(len(part)) % classes + first).astype(np.uint8) for part in IMAGES]


def files(parts: Sequence[str], *pairs: Sequence[NDArray[np.integer]]) -> dict[str, bytes]:
    """Return gzipped IDX files of images and labels, by name."""
    arrays = {
        f"{name.format(part)}.gz": array
        for part, pair in zip(parts, pairs, strict=True)
        for name, array in zip(NAMES, pair, strict=True)
    }
    return {name: gzip.compress(idx.header(a) + a.tobytes(), 1) for name, a in arrays.items()}


def test_kmnist(pin: Pin, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    served = serve(files(("train", "t10k"), *zip(IMAGES, labels(10), strict=True)))
    mirror = served[0][0].rpartition("/")[0]
    monkeypatch.setattr(f"{DATASETS}.KMNIST.mirrors", [f"{mirror}/"])
    resources = [(url.removeprefix(f"{mirror}/"), md5) for url, md5 in served]
    wrong = [(name, "0" * 32) for name, _ in resources]
    monkeypatch.setattr(f"{DATASETS}.KMNIST.resources", wrong)
    refused = pin.run("torchvision", "kmnist")
    assert refused.status == 2
    assert "error: torchvision: kmnist: Error downloading" in refused.err.splitlines()[-1]

    monkeypatch.setattr(f"{DATASETS}.KMNIST.resources", resources)
    classes, arrays, *_ = pin("torchvision", "kmnist")
    assert classes == ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
    assert np.array_equal(arrays[0], IMAGES[0])
    assert np.array_equal(arrays[3], labels(10)[1])


def test_qmnist(pin: Pin, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read rows of eight integers as labels, of which the first is the class."""
    rows = [np.stack([part, *np.full((7, len(part)), 9)], 1).astype(">i4") for part in labels(10)]
    served = serve(files(("train", "test"), *zip(IMAGES, rows, strict=True)))
    parts = {"train": served[:2], "test": served[2:]}
    monkeypatch.setattr(f"{DATASETS}.QMNIST.resources", parts)
    pinned = pin("torchvision", "qmnist")
    assert "".join(pinned.classes) == "0123456789"
    assert np.array_equal(pinned.arrays[2], IMAGES[1])
    assert np.array_equal(pinned.arrays[1], labels(10)[0])


@pytest.mark.parametrize(("split", "count"), [("letters", 26), ("balanced", 47)])
def test_emnist(
    pin: Pin, serve: Serve, monkeypatch: pytest.MonkeyPatch, split: str, count: int
) -> None:
    """Turn the images, which lie on their side in the files, and call the first letter 0."""
    parts = [f"emnist-{split}-{part}" for part in ("train", "test")]
    given = labels(count, first=int(split == "letters"))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        for name, file in files(parts, *zip(IMAGES, given, strict=True)).items():
            content.writestr(f"gzip/{name}", file)
    ((url, md5),) = serve({"gzip.zip": archive.getvalue()})
    monkeypatch.setattr(f"{DATASETS}.EMNIST.url", url)
    monkeypatch.setattr(f"{DATASETS}.EMNIST.md5", md5)
    classes, arrays, *_ = pin("torchvision", f"emnist-{split}")
    assert len(classes) == count
    assert classes[count - 1] == {"letters": "z", "balanced": "t"}[split]
    assert np.array_equal(arrays[0][3], IMAGES[0][3].T)
    assert np.array_equal(arrays[3], labels(count)[1])


def test_usps(pin: Pin, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read a text of labels 1 to 10 and pixels -1 to 1."""
    pixels = " ".join(f"{k + 1}:{2 * k / 255 - 1:.6f}" for k in range(256))
    texts = ["".join(f"{k % 10 + 1} {pixels}\n" for k in range(count)) for count in (20, 10)]
    served = serve({f"{k}.bz2": bz2.compress(text.encode()) for k, text in enumerate(texts)})
    parts = {
        part: (url, f"{part}.bz2", md5)
        for part, (url, md5) in zip(("train", "test"), served, strict=True)
    }
    monkeypatch.setattr(f"{DATASETS}.USPS.split_list", parts)
    classes, arrays, *_ = pin("torchvision", "usps")
    assert "".join(classes) == "0123456789"
    assert arrays[0].shape == (20, 16, 16)
    assert np.abs(arrays[0][0].ravel() - np.arange(256)).max() <= 1
    assert arrays[3].tolist() == list(range(10))


def test_other_names_are_refused(pin: Pin) -> None:
    names = "kmnist, qmnist, emnist-letters, emnist-balanced, usps"
    pin.refused("torchvision", f"mine: of torchvision there are {names}")
