"""torchvision's data sets, small ones, from a server on this machine, in the files of the real."""

import bz2
import gzip
import hashlib
import io
import zipfile
from collections.abc import Iterator

import numpy as np
import pytest
from helpers.sites import Serve, body, serving
from numpy.typing import NDArray
from pinning.pins import Pin, noise

from softmax.sources import idx

IMAGES = [noise(count, 28, 28, seed=count) for count in (94, 47)]
KINDS = ("images-idx3-ubyte", "labels-idx1-ubyte")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves a site, {name: reply}, and returns its URL."""
    with serving() as serve:
        yield serve


def labels(classes: int, first: int = 0) -> list[NDArray[np.uint8]]:
    """Return for each image one of so many labels."""
    return [(np.arange(len(part)) % classes + first).astype(np.uint8) for part in IMAGES]


def files(names: list[str], classes: int, first: int = 0) -> dict[str, bytes]:
    """Return gzipped IDX files of the images and such labels."""
    pairs = zip(IMAGES, labels(classes, first), strict=True)
    arrays = [array for pair in pairs for array in pair]
    return {
        f"{name}.gz": gzip.compress(idx.header(array) + array.tobytes(), 1)
        for name, array in zip(names, arrays, strict=True)
    }


def md5(content: bytes) -> str:
    """Return what torchvision compares."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def test_kmnist(pin: Pin, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{part}-{kind}" for part in ("train", "t10k") for kind in KINDS]
    site = files(names, 10)
    url = serve({name: body(content) for name, content in site.items()})
    kmnist = "torchvision.datasets.KMNIST"
    monkeypatch.setattr(f"{kmnist}.mirrors", [f"{url}/"])
    monkeypatch.setattr(f"{kmnist}.resources", [(name, "0" * 32) for name in site])
    refused = pin.run("torchvision", "kmnist")
    assert refused.status == 2
    assert "error: torchvision: kmnist: Error downloading" in refused.err.splitlines()[-1]

    resources = [(name, md5(content)) for name, content in site.items()]
    monkeypatch.setattr(f"{kmnist}.resources", resources)
    classes, arrays, *_ = pin("torchvision", "kmnist")
    assert classes == ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
    assert np.array_equal(arrays[0], IMAGES[0])
    assert np.array_equal(arrays[3], labels(10)[1])


def test_qmnist(pin: Pin, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read rows of eight integers as labels, of which the first is the class."""
    site: dict[str, bytes] = {}
    resources = {}
    for part, images, classes in zip(("train", "test"), IMAGES, labels(10), strict=True):
        rows = np.stack([classes, *np.full((7, len(classes)), 9)], axis=1).astype(">i4")
        pair = {"images-idx3-ubyte": images, "labels-idx2-int": rows}
        site |= {
            f"qmnist-{part}-{kind}.gz": gzip.compress(idx.header(array) + array.tobytes(), 1)
            for kind, array in pair.items()
        }
    url = serve({name: body(content) for name, content in site.items()})
    for part in ("train", "test"):
        chosen = [name for name in site if part in name]
        resources[part] = [(f"{url}/{name}", md5(site[name])) for name in chosen]
    monkeypatch.setattr("torchvision.datasets.QMNIST.resources", resources)
    pinned = pin("torchvision", "qmnist")
    assert "".join(pinned.classes) == "0123456789"
    assert np.array_equal(pinned.arrays[2], IMAGES[1])
    assert np.array_equal(pinned.arrays[1], labels(10)[0])


@pytest.mark.parametrize(("split", "count"), [("letters", 26), ("balanced", 47)])
def test_emnist(
    pin: Pin, serve: Serve, monkeypatch: pytest.MonkeyPatch, split: str, count: int
) -> None:
    """Turn the images, which lie on their side in the files, and call the first letter 0."""
    first = int(split == "letters")
    names = [f"emnist-{split}-{part}-{kind}" for part in ("train", "test") for kind in KINDS]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        for name, file in files(names, count, first).items():
            content.writestr(f"gzip/{name}", file)
    url = serve({"gzip.zip": body(archive.getvalue())})
    monkeypatch.setattr("torchvision.datasets.EMNIST.url", f"{url}/gzip.zip")
    monkeypatch.setattr("torchvision.datasets.EMNIST.md5", md5(archive.getvalue()))
    classes, arrays, *_ = pin("torchvision", f"emnist-{split}")
    assert len(classes) == count
    assert classes[count - 1] == {"letters": "z", "balanced": "t"}[split]
    assert np.array_equal(arrays[0][3], IMAGES[0][3].T)
    assert np.array_equal(arrays[3], labels(count)[1])


def test_usps(pin: Pin, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read a text of labels 1 to 10 and pixels -1 to 1."""
    site, places = {}, {}
    for part, file, count in (("train", "usps.bz2", 20), ("test", "usps.t.bz2", 10)):
        pixels = " ".join(f"{k + 1}:{2 * k / 255 - 1:.6f}" for k in range(256))
        rows = "".join(f"{k % 10 + 1} {pixels}\n" for k in range(count))
        site[file] = bz2.compress(rows.encode())
        places[part] = file
    url = serve({name: body(content) for name, content in site.items()})
    split_list = {part: [f"{url}/{f}", f, md5(site[f])] for part, f in places.items()}
    monkeypatch.setattr("torchvision.datasets.USPS.split_list", split_list)
    classes, arrays, *_ = pin("torchvision", "usps")
    assert "".join(classes) == "0123456789"
    assert arrays[0].shape == (20, 16, 16)
    assert np.abs(arrays[0][0].ravel() - np.arange(256)).max() <= 1
    assert arrays[3].tolist() == list(range(10))


def test_other_names_are_refused(pin: Pin) -> None:
    names = "kmnist, qmnist, emnist-letters, emnist-balanced, usps"
    pin.refused("torchvision", f"mine: of torchvision there are {names}")
