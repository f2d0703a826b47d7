"""A store that is away, dies in mid-run, stalls or loses answers: no stage minds."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Event, Thread
from typing import Any

import pytest
from digits import write_lock
from mlflow import MlflowClient
from old_fixtures import Workspace
from servers import empty_store, serve
from shared import ROOT
from tracking.outages import (
    LIMIT,
    STAGES,
    _known,  # noqa: F401 (fixtures)
    _outputs,  # noqa: F401
    all_runs,
    content,
    names_the_remedy,
    run_ids,
    written,
)

from stages import evaluate, train
from tools import track

NEVER = range(0)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a real MLflow server."""
    folder = tmp_path_factory.mktemp("server")
    with serve(folder, "--backend-store-uri", empty_store(folder / "served.db")) as uri:
        yield uri


@pytest.fixture
def server(served: str) -> Iterator[str]:
    """The same, which each test leaves without a run."""
    yield served
    for run in all_runs(served):
        MlflowClient(served).delete_run(run.info.run_id)


class Proxy(ThreadingHTTPServer):
    """Stands before an MLflow server and loses its answers to some of the requests, by number.

    If it is "frozen" they never end, if "broken" they are 500. If it "drips", all others come a
    byte a second.
    """

    daemon_threads = True

    def __init__(self, uri: str, lost: range, fault: str = "") -> None:
        super().__init__(("127.0.0.1", 0), Forward)
        self.behind, self.lost, self.fault = uri.removeprefix("http://"), lost, fault
        self.numbers = count()
        self.over = Event()
        self.uri = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """Quietly: the client has gone."""


class Forward(BaseHTTPRequestHandler):
    """Passes a request on, and the answer back unless it is to be lost."""

    server: Proxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits 40 ms for an acknowledgement

    def forward(self) -> None:
        number = next(self.server.numbers)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if number <= self.server.lost.start or number not in self.server.lost:
            behind = http.client.HTTPConnection(self.server.behind)
            behind.request(self.command, self.path, body, dict(self.headers))
            answer = behind.getresponse()
            content = answer.read()
            behind.close()
        if number in self.server.lost:
            if self.server.fault == "frozen":
                self.server.over.wait()
            if self.server.fault == "broken":
                self.send_error(500)
            self.close_connection = True
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type", "text/plain"))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        step = 1 if self.server.fault == "drips" else len(content) or 1
        for start in range(0, len(content), step):
            self.wfile.write(content[start : start + step])
            self.server.over.wait(step == 1)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Quietly."""


@contextmanager
def proxy(uri: str, lost: range, fault: str = "") -> Iterator[Proxy]:
    """A proxy that listens."""
    with Proxy(uri, lost, fault) as listening:
        Thread(target=listening.serve_forever, daemon=True).start()
        yield listening
        listening.over.set()
        listening.shutdown()


def warnings_of(stages: list[Callable[[], None]], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What each stage prints to stderr, none of them held up."""
    lines = []
    for stage in stages:
        capsys.readouterr()
        start = time.perf_counter()
        stage()
        assert time.perf_counter() - start < LIMIT
        lines.append(capsys.readouterr().err)
    return lines


def backfilled(uri: str, before: set[str]) -> Any:
    """What MLflow shows of the only row that came, after `python -m tools.track`."""
    write_lock()
    track.main()
    (row,) = [run for run in all_runs(uri) if run.info.run_id not in before]
    return content(uri, row)


@pytest.mark.parametrize("number", range(0, 60, 10))
def test_a_server_that_dies_in_mid_run(
    number: int, outputs: Any, server: str, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does what request `number` asks for, and answers no more, or 500, until it is back."""
    before = run_ids(server)
    fault = "broken" if number in (10, 30, 50) else ""
    with proxy(server, range(number, sys.maxsize), fault) as dying:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", dying.uri)
        said = warnings_of(STAGES, capsys)
        first = next(k for k, line in enumerate(said) if line)
        assert all(map(names_the_remedy, said[first:]))
        assert written() == outputs[0]
        dying.lost = NEVER
        assert backfilled(dying.uri, before) == outputs[1]


@pytest.mark.parametrize("number", [*range(6), 9, 16, 25])
def test_a_server_whose_answer_gets_lost(
    number: int, outputs: Any, server: str, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that is made again must not make a second run."""
    before = run_ids(server)
    with proxy(server, range(number, number + 1)) as losing:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", losing.uri)
        assert all(names_the_remedy(line) for line in warnings_of(STAGES, capsys) if line)
        assert written() == outputs[0]
        assert backfilled(losing.uri, before) == outputs[1]


@pytest.mark.parametrize("number", [5, 12])
def test_a_server_that_freezes_in_mid_run(
    number: int, outputs: Any, server: str, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = run_ids(server)
    with proxy(server, range(number, sys.maxsize), "frozen") as frozen:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", frozen.uri)
        said = warnings_of(STAGES, capsys)
        assert names_the_remedy(said[-1])
        assert all(names_the_remedy(line) for line in said if line)
        assert written() == outputs[0]
        frozen.lost = NEVER
        assert backfilled(frozen.uri, before) == outputs[1]


@contextmanager
def a_server_that_drips(uri: str) -> Iterator[str]:
    with proxy(uri, NEVER, "drips") as dripping:
        yield dripping.uri


@contextmanager
def a_silent_postgresql(_: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield "postgresql+psycopg2://nobody@{}:{}/mlflow".format(*listener.getsockname())


@pytest.mark.parametrize("stalling", [a_server_that_drips, a_silent_postgresql])
def test_a_store_that_stalls_is_given_up(
    stalling: Callable[[str], AbstractContextManager[str]], server: str, workspace: Workspace
) -> None:
    """By the process that logs, whatever it waits for: no timeout of a request is ever met."""
    workspace(train={"epochs": 1, "seed": 301})
    train.main()
    evaluate.main()
    before = written()

    def seconds_of(uri: str) -> float:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": uri}
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "stages.evaluate"],  # whose end is what is tested
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert names_the_remedy(done.stderr)
        assert written() == before
        return time.perf_counter() - start

    with stalling(server) as uri:
        assert seconds_of(uri) < LIMIT


@pytest.mark.parametrize(
    "uri",
    [
        "http://mlflow.invalid:5000",
        "sqlite:////proc/1/cmdline/mlflow.db",
        "postgresql+psycopg2://nobody@127.0.0.1:9/mlflow",
    ],
)
def test_a_store_that_is_not_there(
    uri: str, outputs: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert all(map(names_the_remedy, warnings_of(STAGES, capsys)))
    assert written() == outputs[0]


def test_an_address_that_swallows_everything(
    outputs: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where connections wait to be accepted and no more may, Linux drops what comes."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as waiting:
        for _ in range(2):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://{}:{}".format(*listener.getsockname()))
        assert all(map(names_the_remedy, warnings_of(STAGES, capsys)))
    assert written() == outputs[0]
