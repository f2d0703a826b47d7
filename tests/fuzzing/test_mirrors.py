"""Hostile mirrors, on a server and in a directory: the pinned bytes come, or one line says why."""

import gzip
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from fuzzing.damage import damaged
from helpers.sites import ENDING, Reply, serving
from hypothesis import given, settings
from hypothesis import strategies as st

from softmax.errors import SourceError
from softmax.pipeline import catalog
from softmax.pipeline.catalog import FILES, Pinned
from softmax.sources import fetching, mirror

GOOD = {name: bytes([0, 0, 8, 1, 0, 0, 0, 99]) + bytes([k] * 99) for k, name in enumerate(FILES)}
GZIPPED = {f"{name}.gz": gzip.compress(content) for name, content in GOOD.items()}
PATIENCE = 0.3  # seconds for the next byte; for all files thrice that
STATUS = [b"HTTP/1.1 200 OK", b"HTTP/1.0 200", b"HTTP/9 999 ?", b"HTTP/1.1 -1 x", b"\xff\xfe", b""]
STATUS += [b"HTTP/1.1 206 Partial", b"HTTP/1.1 304 x", b"HTTP/1.1 204 x", b"HTTP/1.1 100 Continue"]
STATUS += [b"HTTP/1.1 500 " + b"x" * 70_000, b"HTTP/1.1 401 x", b"HTTP/1.1 302 x", b"SSH-2.0-x"]
HEADERS = [b"Content-Length: 3", b"Content-Length: -1", b"Content-Length: 1" + b"0" * 30]
HEADERS += [b"Content-Length: x", b"Transfer-Encoding: chunked", b"Content-Encoding: br, gzip"]
HEADERS += [b"Location: /", b"Location: file:///etc/passwd", b"Location: http://[", b"Location: //"]
HEADERS += [b"Set-Cookie: " + b"a=b;" * 999, b"x" * 70_000, b"X: \0\xff", b": ", b"no colon"]
HEADERS += [b"Content-Encoding: deflate", b"WWW-Authenticate: Basic", b"Refresh: 0"]
BODIES = [b"", b"z", b"0\r\n\r\n", b"<html>Log in</html>", gzip.compress(bytes(2**22))]
few = settings(max_examples=settings().max_examples // 5)


@pytest.fixture(scope="module", autouse=True)
def one_source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No source but MNIST_MIRROR, and no patience."""
    pins = {name: sha256(content).hexdigest() for name, content in GOOD.items()}
    entry = catalog.load()["fashion-mnist"].model_dump(by_alias=True) | pins
    entry["images"] = (99, 99)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(tmp_path_factory.mktemp("mirrors"))
        monkeypatch.setitem(sys.modules, "torchvision", None)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr(mirror, "TIMEOUT", PATIENCE)
        monkeypatch.setattr(mirror, "DEADLINE", 3 * PATIENCE)
        monkeypatch.setitem(catalog.load(), "fashion-mnist", Pinned.model_validate(entry))
        yield


def assert_fetched_or_told(place: str) -> None:
    """Assert that all bytes are the pinned ones, or that an error says in a line why not."""
    start = time.monotonic()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("MNIST_MIRROR", place)
        try:
            found, _ = fetching.fetch("fashion-mnist")
        except SourceError as error:
            first, reason, last = str(error).split("\n")
            assert first == "no source gave fashion-mnist:"
            assert any(name in reason for name in FILES)
            assert last.startswith("set MNIST_MIRROR to")
        else:
            assert list(found.values()) == list(GOOD.values())
    assert time.monotonic() - start < 20 * PATIENCE


def reply(content: bytes, manner: str = "at once") -> Reply:
    """Return a reply of these bytes, head and body."""

    def send(request: BaseHTTPRequestHandler) -> None:
        head, end, body = content.partition(b"\r\n\r\n")
        request.wfile.write(head + end)
        for byte in body if manner == "slowly" else ():
            ENDING.wait(PATIENCE / 4)
            request.wfile.write(bytes([byte]))
        ENDING.wait(PATIENCE * 1.5 * (manner == "late"))
        request.wfile.write(body)
        while manner == "for ever" and not ENDING.is_set():
            request.wfile.write(body or b"x")

    return send


def response(status: bytes, headers: list[bytes], body: bytes) -> bytes:
    """Return what a server sends."""
    return b"\r\n".join([status, *headers, b"", body])


SITE = {
    name: response(STATUS[0], [b"Content-Length: %d" % len(body)], body)
    for name, body in (GOOD | GZIPPED).items()
}
RESPONSES = st.one_of(
    damaged([*SITE.values()], [line + b"\r\n" for line in (*STATUS, *HEADERS)] + BODIES),
    st.builds(
        response,
        st.sampled_from(STATUS),
        st.lists(st.sampled_from(HEADERS), max_size=2),
        st.sampled_from([*BODIES, *GZIPPED.values()]),
    ),
)
MANNERS = st.sampled_from(["at once"] * 9 + ["for ever", "slowly", "late"])
HOSTILE = st.dictionaries(
    st.sampled_from(sorted(SITE)), st.builds(reply, RESPONSES, MANNERS), min_size=1, max_size=2
)


@few
@given(HOSTILE)
def test_servers(hostile: dict[str, Reply]) -> None:
    site = {name: reply(content) for name, content in SITE.items()}
    with serving() as serve:
        assert_fetched_or_told(serve(site | hostile))


def put(thing: str | bytes, path: Path) -> None:
    """Put something in the place of a file."""
    match thing:
        case bytes():
            path.write_bytes(thing)
        case "directory":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(os.path.relpath(path))
        case "unreadable":
            path.touch(0)
        case _:
            path.symlink_to(thing)


LINKS = ["/dev/zero", "/dev/full", "/proc/self/mem", "/none", ".", FILES[0]]
THINGS = [*LINKS, "directory", "pipe", "socket", "unreadable", bytes(200_000)]
PUT = st.sampled_from(THINGS) | damaged([*GZIPPED.values(), *GOOD.values()], BODIES)


@few
@given(
    st.sampled_from(["", "file://"]),
    st.sampled_from([GOOD, GZIPPED]),
    st.dictionaries(st.sampled_from(sorted(SITE)), PUT, max_size=2),
)
def test_directories(scheme: str, good: dict[str, bytes], hostile: dict[str, str | bytes]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        for name, thing in (good | hostile).items():
            put(thing, Path(directory, name))
        assert_fetched_or_told(scheme + directory)
