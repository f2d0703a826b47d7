"""torchvision's data sets, small ones, from a server on this machine, in the files of the real."""

import bz2
import gzip
import hashlib
import io
import zipfile

import numpy as np
import pytest
from pinning.places import RANDOM, read, refused
from sources.sites import Serve, _serve, body  # noqa: F401 (fixtures)
from torchvision import datasets

from softmax.sources import idx

IMAGES = [RANDOM.integers(256, size=(count, 28, 28), dtype=np.uint8) for count in (94, 47)]
KINDS = ("images-idx3-ubyte", "labels-idx1-ubyte")


def labels(classes: int, first: int = 0) -> list[np.ndarray]:
    """For each image one of so many labels."""
    return [(np.arange(len(part)) % classes + first).astype(np.uint8) for part in IMAGES]


def files(names: list[str], classes: int, first: int = 0) -> dict[str, bytes]:
    """Gzipped IDX files of the images and such labels."""
    pairs = zip(IMAGES, labels(classes, first), strict=True)
    arrays = [array for pair in pairs for array in pair]
    return {
        f"{name}.gz": gzip.compress(idx.header(array) + array.tobytes())
        for name, array in zip(names, arrays, strict=True)
    }


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def test_kmnist(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{part}-{kind}" for part in ("train", "t10k") for kind in KINDS]
    site = files(names, 10)
    url = serve({name: body(content) for name, content in site.items()})
    monkeypatch.setattr(datasets.KMNIST, "mirrors", [f"{url}/"])
    resources = [(name, md5(content)) for name, content in site.items()]
    monkeypatch.setattr(datasets.KMNIST, "resources", resources)
    found, arrays = read("torchvision", "kmnist")
    assert found.classes == ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
    assert np.array_equal(arrays[0], IMAGES[0])
    assert np.array_equal(arrays[3], labels(10)[1])

    monkeypatch.setattr(datasets.KMNIST, "resources", [(name, "0" * 32) for name in site])
    refused("torchvision", "torchvision: kmnist: Error downloading", name="kmnist")


def test_qmnist(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its labels are rows of eight integers, of which the first is the class."""
    site: dict[str, bytes] = {}
    resources = {}
    for part, images, classes in zip(("train", "test"), IMAGES, labels(10), strict=True):
        rows = np.stack([classes, *np.full((7, len(classes)), 9)], axis=1).astype(">i4")
        pair = {"images-idx3-ubyte": images, "labels-idx2-int": rows}
        site |= {
            f"qmnist-{part}-{kind}.gz": gzip.compress(idx.header(array) + array.tobytes())
            for kind, array in pair.items()
        }
    url = serve({name: body(content) for name, content in site.items()})
    for part in ("train", "test"):
        chosen = [name for name in site if part in name]
        resources[part] = [(f"{url}/{name}", md5(site[name])) for name in chosen]
    monkeypatch.setattr(datasets.QMNIST, "resources", resources)
    found, arrays = read("torchvision", "qmnist")
    assert "".join(found.classes) == "0123456789"
    assert np.array_equal(arrays[2], IMAGES[1])
    assert np.array_equal(arrays[1], labels(10)[0])


@pytest.mark.parametrize(("split", "count", "first"), [("letters", 26, 1), ("balanced", 47, 0)])
def test_emnist(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, split: str, count: int, first: int
) -> None:
    """The images of its files lie on their side, and its first letter is 1."""
    names = [f"emnist-{split}-{part}-{kind}" for part in ("train", "test") for kind in KINDS]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        for name, file in files(names, count, first).items():
            content.writestr(f"gzip/{name}", file)
    url = serve({"gzip.zip": body(archive.getvalue())})
    monkeypatch.setattr(datasets.EMNIST, "url", f"{url}/gzip.zip")
    monkeypatch.setattr(datasets.EMNIST, "md5", md5(archive.getvalue()))
    found, arrays = read("torchvision", f"emnist-{split}")
    assert len(found.classes) == count
    assert found.classes[count - 1] == {"letters": "z", "balanced": "t"}[split]
    assert np.array_equal(arrays[0][3], IMAGES[0][3].T)
    assert np.array_equal(arrays[3], labels(count)[1])


def test_usps(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files are text, of labels 1 to 10 and pixels -1 to 1."""
    site, places = {}, {}
    for part, file, count in (("train", "usps.bz2", 20), ("test", "usps.t.bz2", 10)):
        pixels = " ".join(f"{k + 1}:{2 * k / 255 - 1:.6f}" for k in range(256))
        site[file] = bz2.compress(
            "".join(f"{k % 10 + 1} {pixels}\n" for k in range(count)).encode()
        )
        places[part] = file
    url = serve({name: body(content) for name, content in site.items()})
    split_list = {part: [f"{url}/{f}", f, md5(site[f])] for part, f in places.items()}
    monkeypatch.setattr(datasets.USPS, "split_list", split_list)
    found, arrays = read("torchvision", "usps")
    assert "".join(found.classes) == "0123456789"
    assert arrays[0].shape == (20, 16, 16)
    assert np.abs(arrays[0][0].ravel() - np.arange(256)).max() <= 1
    assert arrays[3].tolist() == list(range(10))


def test_others() -> None:
    refused(
        "torchvision",
        "mine: of torchvision there are kmnist, qmnist, emnist-letters, emnist-balanced, usps",
    )
