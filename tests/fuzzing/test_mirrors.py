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
from hypothesis.strategies import DrawFn

from softmax.errors import SourceError
from softmax.pipeline import catalog
from softmax.pipeline.catalog import FILES, Pinned
from softmax.sources import fetching, mirror

GOOD = {name: bytes([0, 0, 8, 1, 0, 0, 0, 99]) + bytes([k] * 99) for k, name in enumerate(FILES)}
GZIPPED = {f"{name}.gz": gzip.compress(content) for name, content in GOOD.items()}
PATIENCE = 0.3  # seconds for the next byte; for all files thrice that
OK = b"HTTP/1.1 200 OK"
STATUS = [OK, OK, b"HTTP/1.0 200", b"HTTP/9 999 ?", b"HTTP/1.1 -1 x", b"\xff\xfe", b""]
STATUS += [b"HTTP/1.1 206 Partial", b"HTTP/1.1 304 x", b"HTTP/1.1 204 x", b"HTTP/1.1 100 Continue"]
STATUS += [b"HTTP/1.1 500 " + b"x" * 70_000, b"HTTP/1.1 401 x", b"HTTP/1.1 302 x", b"SSH-2.0-x"]
HEADERS = [b"Content-Length: 3", b"Content-Length: -1", b"Content-Length: 1" + b"0" * 30]
HEADERS += [b"Content-Length: x", b"Transfer-Encoding: chunked", b"Content-Encoding: br, gzip"]
HEADERS += [b"Location: /", b"Location: file:///etc/passwd", b"Location: http://[", b"Location: //"]
HEADERS += [b"Set-Cookie: " + b"a=b;" * 999, b"x" * 70_000, b"X: \0\xff", b": ", b"no colon"]
HEADERS += [b"Content-Encoding: deflate", b"WWW-Authenticate: Basic", b"Refresh: 0"]
BODIES = [b"", b"<html>Log in</html>", gzip.compress(bytes(2**22))]
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


def answer(head: bytes, body: bytes, manner: str = "at once") -> Reply:
    """Return a reply of these bytes."""

    def reply(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(head)
        match manner:
            case "for ever":
                while not ENDING.is_set():
                    request.wfile.write(body or b"x")
            case "slowly":
                for byte in body:
                    ENDING.wait(PATIENCE / 4)
                    request.wfile.write(bytes([byte]))
            case "never":
                ENDING.wait(PATIENCE * 1.5)
            case _:
                request.wfile.write(body)

    return reply


@st.composite
def sites(draw: DrawFn) -> dict[str, Reply]:
    """Return a site of which a file or two have hostile answers."""
    bodies = GOOD | GZIPPED
    site = {
        name: answer(b"%b\r\nContent-Length: %d\r\n\r\n" % (OK, len(body)), body)
        for name, body in bodies.items()
    }
    for name in draw(st.lists(st.sampled_from(sorted(bodies)), min_size=1, max_size=2)):
        headers = draw(st.lists(st.sampled_from(HEADERS), max_size=2))
        if draw(st.booleans()):
            headers.append(b"Content-Length: %d" % len(bodies[name]))
        body = draw(st.sampled_from([bodies[name], *BODIES]) | damaged([bodies[name]]))
        end = draw(st.sampled_from([None, b"0\r\n\r\n", b"", b"z"]))
        if end is not None:
            body = b"%x\r\n%b\r\n%b" % (len(body), body, end)
        head = b"\r\n".join([draw(st.sampled_from(STATUS)), *headers, b"", b""])
        manners = ["at once"] * 6 + ["for ever", "slowly", "never"]
        site[name] = answer(head, body, draw(st.sampled_from(manners)))
    return site


@few
@given(sites())
def test_servers(site: dict[str, Reply]) -> None:
    with serving() as serve:
        assert_fetched_or_told(serve(site))


THINGS = ["directory", "pipe", "loop", "socket", "unreadable", "large", "damaged"]
THINGS += ["/dev/zero", "/dev/full", "/proc/self/mem", "/none", "."]


def put(thing: str, path: Path, content: bytes) -> None:
    """Put something hostile in the place of a file."""
    match thing:
        case "directory":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "loop":
            path.symlink_to(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(os.path.relpath(path))
        case "large":
            path.write_bytes(bytes(200_000))
        case "damaged" | "unreadable":
            path.write_bytes(content)
            path.chmod(0 if thing == "unreadable" else 0o600)
        case _:
            path.symlink_to(thing)


@few
@given(
    st.sampled_from(["", "file://"]),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(THINGS), damaged([*GZIPPED.values()])),
        max_size=2,
    ),
)
def test_directories(
    scheme: str, zipped: list[bool], hostile: list[tuple[int, str, bytes]]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        paths = []
        for (name, content), zip_it in zip(GOOD.items(), zipped, strict=True):
            paths.append(Path(directory, f"{name}.gz" if zip_it else name))
            paths[-1].write_bytes(GZIPPED[f"{name}.gz"] if zip_it else content)
        for k, thing, content in {entry[0]: entry for entry in hostile}.values():
            paths[k].unlink()
            put(thing, paths[k], content)
        assert_fetched_or_told(scheme + directory)
