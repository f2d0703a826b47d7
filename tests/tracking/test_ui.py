"""What `softmax ui` says of a port and a server that it cannot use, and the links."""

import json
import socket
from pathlib import Path

from helpers.stores import free_port
from helpers.workspace import Workspace, error

from softmax.cli import ui
from softmax.tracking import views


def test_a_port_that_is_taken_is_one_line(workspace: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        printed = workspace.tool("ui", "--port", port)
    assert error(printed) == f"port {port} of 127.0.0.1 is taken. Choose another one with --port."
    assert printed.out == ""


def test_a_server_that_does_not_start_says_why(workspace: Workspace) -> None:
    Path("mlflow.py").write_text("import sys; sys.exit('no address is free')")  # found first
    printed = workspace.tool("ui", "--port", free_port())
    assert error(printed) == "MLflow's UI did not start: no address is free"
    assert printed.out == ""


def test_a_server_that_does_not_answer_has_no_links_yet() -> None:
    assert ui.links_to("softmax-digits", f"http://127.0.0.1:{free_port()}") == ""


def test_the_table_has_a_column_for_each_param_that_differs() -> None:
    params = [{"a": "1", "b": "1"}, {"a": "1", "b": "2", "c": "1"}, {"c": "2", "a": "1"}]
    columns = json.loads(views.table(params))["selectedColumns"]
    assert [name for name in columns if name.startswith("params")] == ["params.`b`", "params.`c`"]
