"""Whatever is in a file, its parser reads it or raises one SoftmaxError, in no time."""

import gzip
import io
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import numpy as np
import pytest
import safetensors.numpy
import tally as tallies
from PIL import Image
from shared import LECTURE, ROOT
from tally import Tally

from softmax.core import data, model
from softmax.errors import SoftmaxError
from softmax.pinning import arrays, pixels, table
from softmax.pipeline import catalog, params
from softmax.provenance import lock
from softmax.sources import mirror

DEADLINE = 5  # seconds for a case, of which most take a ten-thousandth
SPLICES = 8  # bytes of another sample at most
LOCK = (ROOT / "dvc.lock").read_bytes()
TOKENS = [  # what means something to one parser or another
    *(b"\0\0\x08\x01", b"\0\0\x08\x03", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0"),
    *(b"F8_E4M3", b"BF16", b"F32", b"I64", b"BOOL", b'"shape"', b"[10,6]", b"[]", b"-1", b"{"),
    *(b"1e999", b"9" * 30, b".nan", b"-.inf", b"0x", b"2026-13-45", b"!!python/object:os.system"),
    *(b"&a ", b"*a", b"<<: ", b"- ", b"? ", b": ", b"\n", b"\t", b"#", b"'", b'"', b"|", b"%"),
    *(b"[" * 99, b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b\x08", b"null", b"true", b"~", b"--- "),
    *(b"!!binary x", b"!!set {a}", b"!!timestamp x", b"!!int x", b"!!omap x", b"\xe2\x80\xa8"),
]


def damaged(random: Random, samples: list[bytes]) -> bytes:
    """One of `samples` after one to four of: flip, cut, repeat, insert, splice."""
    content = bytearray(random.choice(samples))
    for _ in range(random.choice((1, 1, 2, 4))):
        here = random.randrange(len(content) + 1)
        there = min(len(content), here + random.choice((1, 4, 40)))
        match random.randrange(6):
            case 0 if here < len(content):
                content[here] ^= 1 << random.randrange(8)
            case 1:
                del content[here:there]
            case 2:
                content[here:here] = content[here:there] * random.choice((1, 2, 9))
            case 3:
                content[here:there] = random.choice(TOKENS)
            case 4:
                content[here:here] = random.choice(TOKENS)
            case _:
                other = random.choice(samples)
                start = random.randrange(len(other))
                content[here:there] = other[start : start + random.randrange(SPLICES)]
    return bytes(content)


@pytest.fixture(autouse=True)
def _alarm() -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, tallies.hang)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(name="folder")
def _folder() -> Iterator[Path]:
    """A folder in memory, where there is such a one: a million files take a while."""
    memory = Path("/dev/shm")  # noqa: S108 (the folder in it has a name of its own)
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


def survives(samples: list[bytes], parse: Callable[[bytes], object]) -> Callable[[Random], None]:
    """A case: `parse` takes a damaged sample or says in a line what is wrong."""

    def attempt(random: Random) -> None:
        content = damaged(random, samples)
        signal.setitimer(signal.ITIMER_REAL, DEADLINE)
        with suppress(SoftmaxError):
            parse(content)
        signal.setitimer(signal.ITIMER_REAL, 0)

    return attempt


def idx(array: np.ndarray) -> bytes:
    """`array` as an IDX file."""
    return np.array([0x0800 + array.ndim, *array.shape], ">u4").tobytes() + array.tobytes()


LABELS = idx(np.array([7, 0, 9], np.uint8))
IMAGES = idx(np.arange(24, dtype=np.uint8).reshape(3, 2, 4))


def test_idx(tally: Tally, folder: Path) -> None:
    images, labels = folder / "images", folder / "labels"

    def parse(content: bytes) -> None:
        """In the place of the images or of the labels; what is read has the bytes of the file."""
        mine, other = (images, labels) if content[3:4] == b"\3" else (labels, images)
        mine.write_bytes(content)
        other.write_bytes(LABELS if mine is images else IMAGES)
        read = data.load(images, labels, (3, 2, 4), 10)
        assert read.images.shape[0] == len(read.labels) > 0
        assert mine.read_bytes().endswith(
            (read.images if mine is images else read.labels).tobytes()
        )

    tally.run("IDX files", survives([IMAGES, LABELS], parse), short=1000, long=210_000)


def test_safetensors(tally: Tally, folder: Path) -> None:
    """All of a file, or its header alone, whose length is right then."""
    path, random = folder / "weights", np.random.default_rng(0)
    theta = np.rint(random.uniform(-4, 4, (10, 4)) * 2**30) / 2**30
    good = model.to_bytes(theta)
    other = safetensors.numpy.save({"weight": theta.astype(np.float32), "bias": np.arange(10)})
    start = 8 + int.from_bytes(good[:8], "little")

    def parse(content: bytes) -> None:
        path.write_bytes(content)
        read = model.load(path, (10, 3))
        assert read.shape == theta.shape
        assert read.dtype == np.float64
        assert np.isfinite(read).all()

    def parse_header(header: bytes) -> None:
        parse(len(header).to_bytes(8, "little") + header + good[start:])

    tally.run("models", survives([good, other], parse), short=500, long=130_000)
    headers = [good[8:start], other[8 : 8 + int.from_bytes(other[:8], "little")]]
    tally.run("headers of models", survives(headers, parse_header), short=500, long=250_000)


def test_mirror(tally: Tally) -> None:
    samples = [LABELS, gzip.compress(IMAGES), gzip.compress(bytes(4000)), gzip.compress(LABELS) * 2]

    def parse(content: bytes) -> None:
        mirror._uncompressed(content, 2000)

    tally.run("files of a mirror", survives(samples, parse), short=1000, long=370_000)


def test_own_images(tally: Tally, folder: Path) -> None:
    samples, path = [], folder / "image.png"
    for kind in ("PNG", "JPEG", "BMP", "PPM", "TIFF", "WEBP"):
        for shape in ((6, 5), (6, 5, 3)):
            file = io.BytesIO()
            Image.fromarray(np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)).save(
                file, kind
            )
            samples.append(file.getvalue())

    def parse(content: bytes) -> None:
        path.write_bytes(content)
        (rows, columns), colours, _ = pixels.look(path)
        if rows * columns < 10**6:  # larger ones are only slow
            assert pixels.decode(path, colours).shape[:2] == (rows, columns)

    tally.run("images", survives(samples, parse), short=300, long=100_000)


def test_own_arrays(tally: Tally, folder: Path) -> None:
    samples, path = [], folder / "mine.npz"
    for save in (np.savez, np.savez_compressed):
        file = io.BytesIO()
        x, y = np.arange(24, dtype=np.uint8).reshape(6, 2, 2), np.arange(6) % 2
        save(file, x_train=x, y_train=y, x_test=x, y_test=y.astype(str))
        samples.append(file.getvalue())

    def parse(content: bytes) -> None:
        path.write_bytes(content)
        arrays.read(path)

    tally.run("arrays", survives(samples, parse), short=100, long=50_000)


def test_own_tables(tally: Tally, folder: Path) -> None:
    rows = [f"{k % 2},{k},{2 * k},{3 * k},255\n" for k in range(20)]
    path = folder / "mine.csv"

    def parse(content: bytes) -> None:
        path.write_bytes(content)
        table.read(path, None, None)

    sample = "".join(["label,a,b,c,d\n", *rows]).encode()
    tally.run("tables", survives([sample], parse), short=50, long=5_000)


def test_lock(tally: Tally) -> None:
    """With all that reads from it; each stage alone, which takes a seventh of the time."""
    start = LOCK.index(b"  check:")
    stages = LOCK[start:].split(b"\n  ")
    samples = [
        LOCK[:start]
        + b"  train:\n    cmd: x\n    params:\n      params.yaml:\n        train.seed: 0\n"
    ]
    samples += [b"stages:\n  export:\n    outs:\n    - path: images/weights\n      md5: a.dir\n"]
    assert len(stages) > 7

    def parse(content: bytes) -> None:
        found = lock.parse(content)
        lock.values(found)
        lock.shown(found)
        for name in (*found, *lock.RESULTS):
            lock.inputs(found, name)
            lock.outputs(found, name)
        lock.params(found)

    tally.run("locks", survives(samples, parse), short=300, long=20_000)
    tally.run("whole locks", survives([LOCK], parse), short=3, long=1_000)


def test_params(tally: Tally, folder: Path) -> None:
    path = folder / "params.yaml"

    def parse(content: bytes) -> None:
        path.write_bytes(content)
        params.load(path)

    samples = [b"train:\n  seed: 0\n  epochs: 5\n", b"evaluate: {samples: [1, 2]}\n"]
    tally.run("params", survives(samples, parse), short=200, long=20_000)
    tally.run("whole params", survives([LECTURE.read_bytes()], parse), short=20, long=2_000)


def test_datasets(tally: Tally, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "PATH", folder / "datasets.yaml")
    entry = "".join(f"  {name}: {k:064x}\n" for k, name in enumerate(catalog.FILES))

    def parse(content: bytes) -> None:
        catalog.PATH.write_bytes(content)
        catalog.load.__wrapped__()

    described = "  images: [3, 1]\n  shape: [2, 4]\n  classes: [a, b]\n"
    sample = f"mine:\n{entry}{described}  homepage: http://localhost\n".encode()
    tally.run("datasets.yaml", survives([sample], parse), short=50, long=10_000)
