"""Test `softmax ui`: errors for an unusable port, store or server, and the handling of proxies."""

import os
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.runs import NAME
from helpers.stores import NOWHERE, free_port
from helpers.workspace import Workspace, error
from mlflow import MlflowClient
from requests.utils import get_environ_proxies

from softmax.pipeline import dvc_lock
from softmax.tracking import store


def test_a_port_in_use_gives_one_line(workspace: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        printed = workspace.tool("ui", "--port", port)
    assert error(printed) == f"port {port} of 127.0.0.1 is in use. Choose a different --port."
    assert printed.out == ""


def test_a_server_that_does_not_start_reports_the_reason(workspace: Workspace) -> None:
    Path("mlflow.py").write_text("import sys; sys.exit('no address is free')")  # hides MLflow
    printed = workspace.tool("ui", "--port", free_port())
    assert error(printed).startswith("MLflow's UI did not start: no address is free. Run `")
    assert printed.out == ""
    assert MlflowClient(workspace.store).get_experiment_by_name(NAME)  # the target of the links


def test_ctrl_c_ends_the_ui_without_an_error(workspace: Workspace) -> None:
    server = (
        "import os, socket, sys; socket.create_server(('127.0.0.1', int(sys.argv[5]))).accept()"
    )
    Path("mlflow.py").write_text(f"{server}; os.kill(os.getppid(), 2); input()")
    printed = workspace.tool("ui", "--port", free_port())
    assert (printed.status, printed.err) == (0, "")


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "file is not a database": lambda content: b"garbage\n" * (len(content) // 8),
    "database disk image is malformed": lambda content: content[: len(content) // 2],
}


@pytest.mark.parametrize("command", ["ui", "track"])
@pytest.mark.parametrize("problem", DAMAGE)
def test_a_corrupted_store_is_not_changed(problem: str, command: str, workspace: Workspace) -> None:
    place = workspace.directory / "corrupted.db"  # a new URI, because MLflow caches engines
    content = DAMAGE[problem](Path("mlflow.db").read_bytes())
    place.write_bytes(content)
    before = workspace.contents()
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place}")
    printed = workspace.tool(command, *(["--port", free_port()] if command == "ui" else []))
    assert error(printed) == (
        f"MLflow store sqlite:///{place}: {problem}. Move the file away, and rebuild the store "
        "with `python -m softmax track --history`."
    )
    assert printed.out == ""
    assert place.read_bytes() == content
    assert workspace.contents() == before


def test_a_sweep_trains_despite_a_corrupted_store(workspace: Workspace) -> None:
    place = workspace.directory / "corrupted.db"
    place.write_bytes(b"garbage")
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place}")
    printed = workspace.tool("sweep", "train.seed=0")
    assert printed.status == 0
    assert printed.err.count("warning: could not log sweep") == 1
    assert "Traceback" not in printed.err
    assert place.read_bytes() == b"garbage"


def test_a_store_of_an_older_mlflow_gives_the_upgrade_command(workspace: Workspace) -> None:
    with sqlite3.connect("mlflow.db") as old:
        old.execute("UPDATE alembic_version SET version_num = '0584bdc529eb'")
    assert "run 'mlflow db upgrade" in error(workspace.tool("ui", "--port", free_port()))


@pytest.fixture
def proxied(workspace: Workspace) -> Workspace:
    """Return a workspace in whose environment all HTTP requests go through a proxy."""
    for name in ("no_proxy", "NO_PROXY"):
        workspace.monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy"):
        workspace.monkeypatch.setenv(name, NOWHERE)
    return workspace


def test_a_local_server_is_reached_without_a_proxy(proxied: Workspace, server: str) -> None:
    proxied.monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    assert f"charts  {server}/#/experiments/" in proxied.tool("ui").out
    dvc_lock.PATH.unlink()
    assert proxied.stage("evaluate").err == ""


@pytest.mark.parametrize("given", ["", "*", "intranet.example"])
def test_other_machines_are_reached_through_the_proxy(given: str, proxied: Workspace) -> None:
    proxied.monkeypatch.setenv("NO_PROXY", given)
    for _ in range(2):
        store.connect()
    for host in ("127.0.0.1", "localhost", "[::1]"):
        assert get_environ_proxies(f"http://{host}:5000") == {}
    assert bool(get_environ_proxies("https://mlflow.example.org")) == (given != "*")
    assert bool(get_environ_proxies("http://intranet.example")) == (given == "")
    assert os.environ.get("no_proxy", "").count("localhost") == (given != "*")
