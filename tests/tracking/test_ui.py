"""What `make ui` says of a port and a server that it cannot use."""

import socket

from helpers.stores import free_port
from helpers.workspace import Workspace, error

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
