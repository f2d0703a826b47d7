"""A server that is dead before a stage begins: it refuses, is silent, or answers 500."""

import shutil
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from old_fixtures import Workspace
from tracking.outages import LIMIT

from stages import lesson, train


@pytest.fixture(params=["refuses", "is silent", "is broken"])
def dead_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URI of a server that refuses, accepts and never answers, or answers 500."""
    if request.param == "is broken":
        with ThreadingHTTPServer(("127.0.0.1", 0), BrokenServer) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()
        return
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if request.param == "is silent":
            listener.listen()
        yield "http://127.0.0.1:{1}".format(*listener.getsockname())


class BrokenServer(BaseHTTPRequestHandler):
    """Answers 500 to everything."""

    def do_GET(self) -> None:
        self.send_error(500)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Quietly."""


def test_a_dead_server_costs_seconds_one_warning_and_no_output(
    workspace: Workspace,
    dead_server: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workspace(train={"epochs": 1, "seed": 105})
    train.main()
    weights = Path("models/softmax.safetensors").read_bytes()
    shutil.rmtree("models")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", dead_server)
    capsys.readouterr()
    start = time.perf_counter()
    train.main()

    assert time.perf_counter() - start < LIMIT
    assert Path("models/softmax.safetensors").read_bytes() == weights
    warning = capsys.readouterr().err
    assert warning.count("\n") == 1
    assert "`make track`" in warning


def test_without_a_server_the_lesson_names_the_stage_to_run_again(
    workspace: Workspace,
    dead_server: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workspace(lesson={"points": 7, "epochs": 1})
    monkeypatch.setenv("MLFLOW_TRACKING_URI", dead_server)
    lesson.main()
    assert Path("metrics/lesson.json").exists()
    warning = capsys.readouterr().err
    assert warning.count("\n") == 1
    assert "`dvc repro --force --single-item lesson`" in warning
