"""What `make ui` says of a port, a server and a store that it cannot use."""

import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from helpers.stores import free_port
from helpers.workspace import Workspace, error

from softmax.errors import TrackingError
from softmax.tracking import views
from tools import ui


def test_a_port_that_is_taken_is_one_line(workspace: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        printed = workspace.tool("ui", port)
    assert error(printed) == f"port {port} of 127.0.0.1 is taken; say `make ui PORT=...`"
    assert printed.out == ""


def test_a_server_that_does_not_start_says_why(workspace: Workspace) -> None:
    workspace.monkeypatch.setattr(ui, "SERVER", "import sys; sys.exit('no address is free')")
    printed = workspace.tool("ui", free_port())
    assert error(printed) == "MLflow's UI did not start: no address is free"
    assert printed.out == ""


class Answering(BaseHTTPRequestHandler):
    """Answers everything alike."""

    status, kind, body = 200, "application/json", ""

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Type", self.kind)
        self.end_headers()
        self.wfile.write(self.body.encode())

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.mark.parametrize(
    ("status", "kind", "body", "reason"),
    [
        (500, "application/json", json.dumps({"message": "run 'mlflow db upgrade'"}), "run 'mlf"),
        (500, "text/html", "<h1>an error</h1>", "Internal Server Error"),
    ],
)
def test_a_store_that_the_server_cannot_read_is_not_shown(
    status: int, kind: str, body: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"status": status, "kind": kind, "body": body}.items():
        monkeypatch.setattr(Answering, name, value)
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(TrackingError, match=f"MLflow's UI cannot read the store: {reason}"):
            ui.links_to("softmax-digits", address)
        server.shutdown()


def test_a_server_that_does_not_answer_has_no_links_yet() -> None:
    assert ui.links_to("softmax-digits", f"http://127.0.0.1:{free_port()}") == ""


def test_the_table_has_a_column_for_each_param_that_differs() -> None:
    params = [{"a": "1", "b": "1"}, {"a": "1", "b": "2", "c": "1"}, {"c": "2", "a": "1"}]
    columns = json.loads(views.table(params))["selectedColumns"]
    assert [name for name in columns if name.startswith("params")] == ["params.`b`", "params.`c`"]
