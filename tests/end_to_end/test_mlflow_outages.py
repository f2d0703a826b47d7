"""Two real servers: one is dead, and one freezes."""

import os
import socket
import subprocess
import sys
import time

import pytest
from helpers.stores import free_port
from helpers.workspace import Workspace

LIMIT = 60  # seconds: the clock ends tracking after 8, and a busy machine takes its time


def assert_given_up(workspace: Workspace, uri: str) -> None:
    """Train in a process of its own: in time, with a warning and the same outputs."""
    before, start = workspace.contents(), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "stages.train"],
        env={**os.environ, "MLFLOW_TRACKING_URI": uri},
        capture_output=True,
        text=True,
        check=True,
    )
    (warning,) = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    assert "`make track`" in warning
    assert "Traceback" not in done.stderr
    assert time.monotonic() - start < LIMIT
    assert workspace.contents() == before


def test_a_dead_server(workspace: Workspace) -> None:
    assert_given_up(workspace, f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize("scheme", ["http", pytest.param("postgresql", marks=pytest.mark.extended)])
def test_a_frozen_server(scheme: str, workspace: Workspace) -> None:
    """It accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = "{}://nobody@{}:{}/mlflow".format(scheme, *listener.getsockname())
        assert_given_up(workspace, address)
