"""A tiny data set, and servers that give it, well or badly; nothing comes from outside."""

import gzip
import hashlib
import os
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torchvision import datasets

from softmax.pipeline import catalog
from softmax.pipeline.catalog import FILES, Pinned
from softmax.sources import mirror

Files = dict[str, bytes]
Reply = Callable[[BaseHTTPRequestHandler], None]
Serve = Callable[[Mapping[str, Reply]], str]
RANDOM = random.Random(0)  # noqa: S311 (nothing secret)
IMAGES = [np.frombuffer(RANDOM.randbytes(n * 784), np.uint8).reshape(n, 784) for n in (2, 1, 2)]
LABELS = [np.array(labels) for labels in ([3, 9], [0], [7, 1])]
PARTS = list(zip(IMAGES, LABELS, strict=True))  # train, validation, test
ENDING = threading.Event()  # set when a test is over, so that no server outlives it
SLOW = 1.0  # seconds of patience in these tests


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No source but those that a test sets up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MNIST_MIRROR", raising=False)
    monkeypatch.setattr(datasets.MNIST, "mirrors", [])
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [])
    (tmp_path / "index").mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(mirror, "TIMEOUT", SLOW)


@pytest.fixture(name="files")
def _files(monkeypatch: pytest.MonkeyPatch) -> Files:
    """A tiny data set in canonical form, pinned."""
    train, test = np.concatenate(IMAGES[:2]), IMAGES[2]
    files = {
        FILES[0]: b"\0\0\x08\x03" + b"\0\0\0\x03" + b"\0\0\0\x1c" * 2 + train.tobytes(),
        FILES[1]: b"\0\0\x08\x01" + b"\0\0\0\x03" + bytes([3, 9, 0]),
        FILES[2]: b"\0\0\x08\x03" + b"\0\0\0\x02" + b"\0\0\0\x1c" * 2 + test.tobytes(),
        FILES[3]: b"\0\0\x08\x01" + b"\0\0\0\x02" + bytes([7, 1]),
    }
    pins = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    for dataset, pinned in catalog.load().items():
        entry = pinned.model_dump(by_alias=True) | pins | {"images": (3, 2)}
        monkeypatch.setitem(catalog.load(), dataset, Pinned.model_validate(entry))
    return files


@pytest.fixture(name="serve")
def _serve() -> Iterator[Serve]:
    """A function that serves a site, {name: reply}, and returns its URL."""
    servers = []

    def serve(site: Mapping[str, Reply]) -> str:
        server = _Server(("127.0.0.1", 0), site)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return f"http://127.0.0.1:{server.server_port}/set"

    ENDING.clear()
    yield serve
    ENDING.set()
    for server in servers:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    def __init__(self, address: tuple[str, int], site: Mapping[str, Reply]) -> None:
        super().__init__(address, _Handler)
        self.site = {f"/set/{name}": reply for name, reply in site.items()}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients here hang up on purpose."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.site.get(self.path, status(404))(self)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server's name)
        """Keep stderr for the code under test."""


def status(code: int) -> Reply:
    return lambda request: request.send_error(code)


def body(content: bytes, length: int | None = None, encoding: str = "identity") -> Reply:
    """`content`, announced as `length` bytes in this Content-Encoding."""

    def reply(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content) if length is None else length))
        request.send_header("Content-Encoding", encoding)
        request.end_headers()
        request.wfile.write(content)

    return reply


def plain(files: Files) -> dict[str, Reply]:
    return {name: body(content) for name, content in files.items()}


def gzipped(files: Files) -> dict[str, Reply]:
    return {f"{name}.gz": body(gzip.compress(content)) for name, content in files.items()}


def expected(dataset: str, files: Files) -> dict[Path, bytes]:
    return {Path("data", dataset, name): content for name, content in files.items()}


def message(dataset: str, *failures: str) -> str:
    """What fetch raises when these are the reasons."""
    return "\n".join(
        [
            f"no source gave {dataset}:",
            *failures,
            "set MNIST_MIRROR to a directory or URL that holds train-images-idx3-ubyte, "
            "train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte",
        ]
    )
