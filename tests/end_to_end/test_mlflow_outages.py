"""Three real servers: one is dead, one freezes, and one loses an answer."""

import http.client
import os
import socket
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

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
        assert "softmax track" in warnings[0]
        assert "Traceback" not in done.stderr
        assert time.monotonic() - start < LIMIT
    assert workspace.contents() == before


def test_a_dead_server(workspace: Workspace) -> None:
    assert_given_up(workspace, f"http://127.0.0.1:{free_port()}", "train", "evaluate")


@pytest.mark.parametrize("scheme", ["http", pytest.param("postgresql", marks=pytest.mark.extended)])
def test_a_frozen_server(scheme: str, workspace: Workspace) -> None:
    """It accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = "{}://nobody@{}:{}/mlflow".format(scheme, *listener.getsockname())
        assert_given_up(workspace, address, "train")


def test_a_server_that_loses_an_answer_makes_no_second_run(
    workspace: Workspace, tmp_path: Path
) -> None:
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", workspace.store)
    workspace.tool("track")
    expected = content(workspace.store)
    lost: list[str] = []
    with serve(tmp_path, "--backend-store-uri", empty_store(tmp_path / "served.db")) as behind:

        class Losing(BaseHTTPRequestHandler):
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

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Losing) as proxy:
            Thread(target=proxy.serve_forever, daemon=True).start()
            uri = f"http://127.0.0.1:{proxy.server_port}"
            workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
            locked = lock.PATH.read_bytes()
            lock.PATH.unlink()
            warnings = [workspace.stage(stage).err for stage in MODEL]
            lock.PATH.write_bytes(locked)
            assert "softmax track" in warnings[0]
            assert warnings[1:] == ["", ""]
            assert lost
            assert workspace.tool("track").status == 0
            assert content(uri) == expected
            proxy.shutdown()
