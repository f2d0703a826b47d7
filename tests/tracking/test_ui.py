"""What `softmax ui` says of a port and a server that it cannot use."""

import socket
from pathlib import Path

from helpers.stores import free_port
from helpers.workspace import Workspace, error


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
