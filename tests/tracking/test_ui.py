"""What `make ui` says of a port and a server that it cannot use, and the links."""

import json
import socket

from helpers.stores import free_port
from helpers.workspace import Workspace, error

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


def test_a_server_that_does_not_answer_has_no_links_yet() -> None:
    assert ui.links_to("softmax-digits", f"http://127.0.0.1:{free_port()}") == ""


def test_the_table_has_a_column_for_each_param_that_differs() -> None:
    params = [{"a": "1", "b": "1"}, {"a": "1", "b": "2", "c": "1"}, {"c": "2", "a": "1"}]
    columns = json.loads(views.table(params))["selectedColumns"]
    assert [name for name in columns if name.startswith("params")] == ["params.`b`", "params.`c`"]
