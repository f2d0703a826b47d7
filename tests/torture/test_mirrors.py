"""Hostile mirrors, on a server and in a directory: the pinned bytes come, or one line says why."""

import gzip
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from itertools import count
from pathlib import Path
from random import Random
from threading import Thread

import pytest
from tally import Tally

from softmax.errors import SourceError
from softmax.pipeline import catalog
from softmax.pipeline.catalog import FILES, Pinned
from softmax.sources import fetching, mirror

GOOD = {name: bytes([0, 0, 8, 1, 0, 0, 0, 99]) + bytes([k] * 99) for k, name in enumerate(FILES)}
PATIENCE = 0.3  # seconds for the next byte; for all files thrice that
STATUS = [b"HTTP/1.1 200 OK", b"HTTP/1.0 200", b"HTTP/9 999 ?", b"HTTP/1.1 -1 x", b"\xff\xfe", b""]
STATUS += [b"HTTP/1.1 206 Partial", b"HTTP/1.1 304 x", b"HTTP/1.1 204 x", b"HTTP/1.1 100 Continue"]
STATUS += [b"HTTP/1.1 500 " + b"x" * 70_000, b"HTTP/1.1 401 x", b"HTTP/1.1 302 x", b"SSH-2.0-x"]
HEADERS = [b"Content-Length: 3", b"Content-Length: -1", b"Content-Length: 1" + b"0" * 30]
HEADERS += [b"Content-Length: x", b"Transfer-Encoding: chunked", b"Content-Encoding: br, gzip"]
HEADERS += [b"Location: /", b"Location: file:///etc/passwd", b"Location: http://[", b"Location: //"]
HEADERS += [b"Set-Cookie: " + b"a=b;" * 999, b"x" * 70_000, b"X: \0\xff", b": ", b"no colon"]
HEADERS += [b"Content-Encoding: deflate", b"WWW-Authenticate: Basic", b"Refresh: 0"]


@pytest.fixture(autouse=True)
def _one_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No source but MNIST_MIRROR, and no patience."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(mirror, "TIMEOUT", PATIENCE)
    monkeypatch.setattr(mirror, "DEADLINE", 3 * PATIENCE)
    pins = {name: sha256(content).hexdigest() for name, content in GOOD.items()}
    entry = catalog.load()["fashion-mnist"].model_dump(by_alias=True) | pins
    entry["images"] = (99, 99)
    monkeypatch.setitem(catalog.load(), "fashion-mnist", Pinned.model_validate(entry))


def assert_fetched_or_told() -> None:
    """That all bytes are the pinned ones, or that an error says in a line why not."""
    start = time.monotonic()
    try:
        found, _ = fetching.fetch("fashion-mnist")
    except SourceError as error:
        told = str(error).split("\n")
    else:
        told = []
        assert list(found.values()) == list(GOOD.values())
    assert time.monotonic() - start < 20 * PATIENCE
    if told:
        first, reason, last = told
        assert first == "no source gave fashion-mnist:"
        assert any(name in reason for name in FILES)
        assert last.startswith("set MNIST_MIRROR to")


class Hostile(Thread):
    """A server that answers each request with good and bad bytes, chosen at random."""

    def __init__(self, random: Random) -> None:
        super().__init__(daemon=True)
        self.random = random
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def run(self) -> None:
        with suppress(OSError):  # until it is closed
            while True:
                connection, _ = self.listener.accept()
                Thread(target=self.answer, args=[connection], daemon=True).start()

    def answer(self, connection: socket.socket) -> None:
        """Read a request, and send what `reply` makes of it."""
        with suppress(OSError), connection:
            connection.settimeout(PATIENCE * 5)
            path = connection.recv(2**16).split(b" ")[1]
            for piece in self.reply(path.decode().rpartition("/")[2]):
                connection.sendall(piece)

    def reply(self, name: str) -> Iterator[bytes]:
        """A right answer more often than not, so that the other files are asked for, too."""
        random, content = self.random, GOOD.get(name.removesuffix(".gz"), b"")
        body = gzip.compress(content) if name.endswith(".gz") else content
        if random.random() < 0.7:
            yield b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            return
        headers = random.choices(HEADERS, k=random.randrange(3))
        if random.random() < 0.5:
            headers.append(b"Content-Length: %d" % len(body))
        if random.random() < 0.5:
            body = damaged(random, body)
        if random.random() < 0.3:
            body = b"%x\r\n%b\r\n%b" % (len(body), body, random.choice([b"0\r\n\r\n", b"", b"z"]))
        yield b"\r\n".join([random.choice(STATUS), *headers, b"", b""])
        match random.randrange(12):
            case 0:  # for ever
                for _ in count():
                    yield body or b"x"
            case 1:  # ever slower
                for byte in body:
                    time.sleep(PATIENCE / 4)
                    yield bytes([byte])
            case 2:
                time.sleep(PATIENCE * 1.5)
            case _:
                yield body


def damaged(random: Random, content: bytes) -> bytes:
    """`content` cut, flipped, blown up or something else."""
    where = random.randrange(len(content) + 1)
    return random.choice(
        [
            content[:where],
            content[:where] + bytes([random.randrange(256)]) + content[where + 1 :],
            content + content,
            gzip.compress(bytes(2**22)),
            gzip.compress(content)[: -where or None],
            b"<html>Log in</html>",
            b"",
        ]
    )


def test_servers(tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    def attempt(random: Random) -> None:
        server = Hostile(random)
        server.start()
        monkeypatch.setenv("MNIST_MIRROR", server.url)
        try:
            assert_fetched_or_told()
        finally:
            server.listener.shutdown(socket.SHUT_RDWR)
            server.listener.close()

    tally.run("a server", attempt, short=30, long=1_500)


def test_directories(tally: Tally, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = count()

    def attempt(random: Random) -> None:
        folder = tmp_path / f"{next(numbers)}"
        folder.mkdir()
        for name, content in GOOD.items():
            zipped = random.random() < 0.5
            path = folder / (f"{name}.gz" if zipped else name)
            put(random, path, gzip.compress(content) if zipped else content)
        monkeypatch.setenv("MNIST_MIRROR", random.choice(["", "file://"]) + str(folder))
        assert_fetched_or_told()

    tally.run("a directory", attempt, short=50, long=2_000)


def put(random: Random, path: Path, content: bytes) -> None:
    """Put `content` at `path` more often than not, or else something hostile."""
    match random.randrange(24):
        case 0:
            path.mkdir()
        case 1:
            os.mkfifo(path)
        case 2:
            path.symlink_to(path)
        case 3:
            path.symlink_to(
                random.choice(["/dev/zero", "/dev/full", "/proc/self/mem", "/none", ""]) or "."
            )
        case 4:
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(os.path.relpath(path))
        case 5:
            path.write_bytes(content)
            path.chmod(0)
        case 6:
            path.write_bytes(bytes(200_000))
        case 7 | 8 | 9:
            path.write_bytes(damaged(random, content))
        case _:
            path.write_bytes(content)
