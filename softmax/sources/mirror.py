"""A mirror: a directory, here or on an HTTP server, that holds the files of a data set."""

import functools
import gzip
import io
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from urllib.request import url2pathname

import requests
import urllib3
from tqdm import tqdm

from softmax.errors import SourceError
from softmax.pipeline.catalog import FILES

TIMEOUT = 10.0  # seconds to wait for a connection or for the next byte
DEADLINE = 600.0  # seconds for all files of a mirror


def read(place: str, limits: Sequence[int]) -> Iterator[bytes]:
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
