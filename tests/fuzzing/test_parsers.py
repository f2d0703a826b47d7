"""Whatever is in a file, its parser reads it or raises one SoftmaxError, in no time."""

import gzip
import io
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from fuzzing.damage import damaged
from helpers.shared import LECTURE, ROOT
from hypothesis import given, settings
from PIL import Image

from softmax.core import data, model
from softmax.errors import SoftmaxError
from softmax.pinning import arrays, pixels, table
from softmax.pipeline import catalog, params
from softmax.provenance import lock
from softmax.sources import mirror

soon = settings(deadline=timedelta(seconds=5))  # most cases take a ten-thousandth
few = settings(soon, max_examples=settings().max_examples // 2)
fewest = settings(soon, max_examples=settings().max_examples // 10)


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """A directory in memory, where there is one: a million files take a while."""
    memory = Path("/dev/shm")  # noqa: S108 (the directory in it has a name of its own)
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as directory:
        yield Path(directory)


def idx(array: np.ndarray) -> bytes:
    """Return `array` as an IDX file."""
    return np.array([0x0800 + array.ndim, *array.shape], ">u4").tobytes() + array.tobytes()


LABELS = idx(np.array([7, 0, 9], np.uint8))
IMAGES = idx(np.arange(24, dtype=np.uint8).reshape(3, 2, 4))


@soon
@given(damaged([IMAGES, LABELS]))
def test_idx(directory: Path, content: bytes) -> None:
    """Read it in the place of images or labels; what is read has the bytes of the file."""
    images, labels = directory / "images", directory / "labels"
    mine, other = (images, labels) if content[3:4] == b"\3" else (labels, images)
    mine.write_bytes(content)
    other.write_bytes(LABELS if mine is images else IMAGES)
    with suppress(SoftmaxError):
        read = data.load(images, labels, (3, 2, 4), 10)
        assert read.images.shape[0] == len(read.labels) > 0
        assert content.endswith((read.images if mine is images else read.labels).tobytes())


THETA = np.rint(np.random.default_rng(0).uniform(-4, 4, (10, 4)) * 2**30) / 2**30
MODELS = [
    model.to_bytes(THETA),
    safetensors.numpy.save({"weight": THETA.astype(np.float32), "bias": np.arange(10)}),
]
STARTS = [8 + int.from_bytes(sample[:8], "little") for sample in MODELS]


def read_model(path: Path, content: bytes) -> None:
    """Read a file of weights; what is read is a model."""
    path.write_bytes(content)
    with suppress(SoftmaxError):
        read = model.load(path, (10, 3))
        assert read.shape == THETA.shape
        assert read.dtype == np.float64
        assert np.isfinite(read).all()


@soon
@given(damaged(MODELS))
def test_models(directory: Path, content: bytes) -> None:
    read_model(directory / "weights", content)


@soon
@given(damaged([sample[8:start] for sample, start in zip(MODELS, STARTS, strict=True)]))
def test_headers_of_models(directory: Path, header: bytes) -> None:
    """Read a file whose header is damaged, and has the length that is announced."""
    content = len(header).to_bytes(8, "little") + header + MODELS[0][STARTS[0] :]
    read_model(directory / "weights", content)


@soon
@given(damaged([LABELS, *map(gzip.compress, (IMAGES, bytes(4000))), gzip.compress(LABELS) * 2]))
def test_files_of_a_mirror(content: bytes) -> None:
    with suppress(SoftmaxError):
        assert len(mirror._uncompressed(content, 2000)) <= 2000


def encoded(kind: str, shape: tuple[int, ...]) -> bytes:
    """Return an image file."""
    file = io.BytesIO()
    levels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    Image.fromarray(levels).save(file, kind)
    return file.getvalue()


KINDS = ("PNG", "JPEG", "BMP", "PPM", "TIFF", "WEBP")


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@soon
@given(damaged([encoded(kind, shape) for kind in KINDS for shape in ((6, 5), (6, 5, 3))]))
def test_images(directory: Path, content: bytes) -> None:
    path = directory / "image.png"
    path.write_bytes(content)
    with suppress(SoftmaxError):
        (rows, columns), colors, _ = pixels.look(path)
        if rows * columns < 10**6:  # larger ones are only slow
            assert pixels.decode(path, colors).shape[:2] == (rows, columns)


def archives() -> Iterator[bytes]:
    """Yield files .npz."""
    x, y = np.arange(24, dtype=np.uint8).reshape(6, 2, 2), np.arange(6) % 2
    for save in (np.savez, np.savez_compressed):
        file = io.BytesIO()
        save(file, x_train=x, y_train=y, x_test=x, y_test=y.astype(str))
        yield file.getvalue()


@soon
@given(damaged([*archives()]))
def test_arrays(directory: Path, content: bytes) -> None:
    path = directory / "mine.npz"
    path.write_bytes(content)
    with suppress(SoftmaxError):
        arrays.read(path)


ROWS = "".join(f"{k % 2},{k},{2 * k},{3 * k},255\n" for k in range(20))


@soon
@given(damaged([f"label,a,b,c,d\n{ROWS}".encode()]))
def test_tables(directory: Path, content: bytes) -> None:
    path = directory / "mine.csv"
    path.write_bytes(content)
    with suppress(SoftmaxError):
        table.read(path, None, None)


def read_lock(content: bytes) -> None:
    """Read all that a lock holds."""
    with suppress(SoftmaxError):
        found = lock.parse(content)
        lock.values(found)
        lock.shown(found)
        for name in (*found, *lock.RESULTS):
            lock.inputs(found, name)
            lock.outputs(found, name)
        lock.params(found)


LOCK = (ROOT / "dvc.lock").read_bytes()
START = LOCK[: LOCK.index(b"  check:")]
PARAMS = b"    cmd: x\n    params:\n      params.yaml:\n        train.seed: 0\n"
OUTS = b"    outs:\n    - path: images/weights\n      md5: a.dir\n"


@few
@given(damaged([START + b"  train:\n" + PARAMS, b"stages:\n  export:\n" + OUTS]))
def test_locks(content: bytes) -> None:
    read_lock(content)


@fewest
@given(damaged([LOCK]))
def test_whole_locks(content: bytes) -> None:
    read_lock(content)


def read_params(path: Path, content: bytes) -> None:
    """Read params."""
    path.write_bytes(content)
    with suppress(SoftmaxError):
        params.load(path)


@few
@given(damaged([b"train:\n  seed: 0\n  epochs: 5\n", b"evaluate: {samples: [1, 2]}\n"]))
def test_params(directory: Path, content: bytes) -> None:
    read_params(directory / "params.yaml", content)


@fewest
@given(damaged([LECTURE.read_bytes()]))
def test_whole_params(directory: Path, content: bytes) -> None:
    read_params(directory / "params.yaml", content)


HASHES = "".join(f"  {name}: {k:064x}\n" for k, name in enumerate(catalog.FILES))
ENTRY = f"mine:\n{HASHES}  images: [3, 1]\n  shape: [2, 4]\n  classes: [a, b]\n  homepage: ''\n"


@few
@given(damaged([ENTRY.encode()]))
def test_datasets(directory: Path, content: bytes) -> None:
    path = directory / "datasets.yaml"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as monkeypatch, suppress(SoftmaxError):
        monkeypatch.setattr(catalog, "PATH", path)
        catalog.load.__wrapped__()
