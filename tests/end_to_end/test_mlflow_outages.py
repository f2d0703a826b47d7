"""Three real servers: one is dead, one freezes, and one loses an answer."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
from helpers.rows import content
from helpers.stores import empty_store, free_port, serve
from helpers.workspace import MODEL, Workspace

from softmax.provenance import lock

LIMIT = 60  # seconds: the clock ends tracking after 8, and a busy machine takes its time


def assert_given_up(workspace: Workspace, uri: str, *stages: str) -> None:
    """Run stages in processes of their own: in time, with a warning each and the same outputs."""
    before = workspace.contents()
    for stage in stages:
        start = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", f"stages.{stage}"],
            env={**os.environ, "MLFLOW_TRACKING_URI": uri},
            capture_output=True,
            text=True,
            check=True,
        )
        warnings = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
        assert len(warnings) == 1, done.stderr
        assert "`make track`" in warnings[0]
        assert "Traceback" not in done.stderr
        assert time.monotonic() - start < LIMIT
    assert workspace.contents() == before


def test_a_dead_server(workspace: Workspace) -> None:
    assert_given_up(workspace, f"http://127.0.0.1:{free_port()}", "train", "evaluate")


@contextmanager
def silent(scheme: str = "http") -> Iterator[str]:
    """The URI of a server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield "{}://nobody@{}:{}/mlflow".format(scheme, *listener.getsockname())


@contextmanager
def silent_postgresql() -> Iterator[str]:
    """The URI of a database that accepts and never answers."""
    with silent("postgresql") as uri:
        yield uri


@contextmanager
def swallowing() -> Iterator[str]:
    """The URI of a server that accepts no more: Linux drops what comes."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as waiting:
        for _ in range(2):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield "http://{}:{}".format(*listener.getsockname())


@contextmanager
def dripping() -> Iterator[str]:
    """A server that answers a byte a second, so that no timeout of a request is ever met."""
    over = Event()

    class Dripping(Quiet):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            while not over.wait(1):
                self.wfile.write(b" ")

        do_POST = do_GET  # noqa: N815

    with listening(Dripping) as uri:
        yield uri
        over.set()


class Quiet(BaseHTTPRequestHandler):
    """Prints nothing."""

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server with this handler."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    "server",
    [
        silent,
        *(
            pytest.param(server, marks=pytest.mark.extended)
            for server in (silent_postgresql, swallowing, dripping)
        ),
    ],
)
def test_a_server_that_is_frozen(
    server: Callable[[], AbstractContextManager[str]], workspace: Workspace
) -> None:
    with server() as uri:
        assert_given_up(workspace, uri, "train")


def test_a_server_that_loses_an_answer_makes_no_second_run(
    workspace: Workspace, tmp_path: Path
) -> None:
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", workspace.store)
    workspace.tool("track")
    expected = content(workspace.store)
    lost = []
    with serve(tmp_path, "--backend-store-uri", empty_store(tmp_path / "served.db")) as behind:

        class Losing(Quiet):
            def forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                real = http.client.HTTPConnection(behind.removeprefix("http://"))
                real.request(self.command, self.path, body, dict(self.headers))
                answer = real.getresponse()
                content = answer.read()
                real.close()
                if self.path.endswith("/runs/create") and not lost:
                    lost.append(self.path)
                    return  # and close the connection
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.getheader("Content-Type", "text/plain"))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward  # noqa: N815

        with listening(Losing) as uri:
            workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
            locked = lock.PATH.read_bytes()
            lock.PATH.unlink()
            warnings = [workspace.stage(stage).err for stage in MODEL]
            lock.PATH.write_bytes(locked)
            assert "`make track`" in warnings[0]
            assert warnings[1:] == ["", ""]
            assert lost
            assert workspace.tool("track").status == 0
            assert content(uri) == expected
