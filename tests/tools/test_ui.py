"""`make ui` leads a person to the runs, side by side."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from mlflow import MlflowClient
from old_fixtures import Workspace
from playwright.sync_api import Browser, expect
from servers import STARTUP, empty_store, free_port, wait_for
from shared import ROOT, forking

from softmax.errors import TrackingError
from softmax.tracking import views
from stages import evaluate, train
from tools import ui


@contextmanager
def served(
    python: str, environment: dict[str, str], log: Path
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`make ui` that answers at a port, and writes to `log`; nothing of it is left afterwards."""
    port = free_port()
    with subprocess.Popen(
        [python, "-m", "tools.ui", str(port)],
        env=environment | {"PYTHONPATH": str(ROOT)},
        stdout=log.open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/health", process, log)
            yield process, port
        finally:
            with suppress(ProcessLookupError):  # where it has ended
                os.killpg(process.pid, signal.SIGKILL)


def test_the_link_shows_the_runs_side_by_side(
    workspace: Workspace, browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = empty_store(tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    for seed in (1, 2):
        workspace(train={"epochs": 1, "seed": seed})
        train.main()
        evaluate.main()
    log = tmp_path / "log"
    with served("python", forking(), log) as (process, _):
        while len(said := log.read_text().splitlines()) < 3:
            assert process.poll() is None
        links = dict(line.split() for line in said[:2])
        assert said[2:] == ["Ctrl-C ends it"]
        context = browser.new_context(viewport={"width": 1500, "height": 900})
        for name, texts in {
            "charts": ("2 matching runs", "test_accuracy"),
            "table": ("2 matching runs", "test_accuracy", "train.seed"),
        }.items():
            page = context.new_page()
            page.goto(links[name])
            for shown in texts:
                expect(page.get_by_text(shown).first).to_be_visible(timeout=1000 * STARTUP)
            expect(page.get_by_text("train.epochs")).to_have_count(0)  # the same in both
        context.close()


def test_the_server_ends_with_it(workspace: Workspace, tmp_path: Path) -> None:
    workspace()
    python = sys.executable  # a real one, whose end is what is tested
    with served(python, dict(os.environ), tmp_path / "log") as (process, port):
        process.terminate()
        assert process.wait(STARTUP) == 128 + signal.SIGTERM
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_port_that_is_taken_is_one_line(workspace: Workspace) -> None:
    workspace()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            ["python", "-m", "tools.ui", str(port)],
            env=forking() | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == f"error: port {port} of 127.0.0.1 is taken; say `make ui PORT=...`\n"
    assert done.stdout == ""


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server be a fork."""
    for name, value in forking().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "executable", str(shutil.which("python")))


@pytest.mark.usefixtures("forked")
def test_a_server_that_does_not_start_says_why(
    workspace: Workspace, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace()
    with pytest.raises(TrackingError, match="MLflow's UI did not start: "):
        ui.serve(store, 70_000, "1")
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("forked")
def test_a_store_of_an_older_mlflow_is_not_shown(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace()
    uri = empty_store(tmp_path / "old.db")
    with sqlite3.connect(tmp_path / "old.db") as old:
        old.execute("UPDATE alembic_version SET version_num = '0584bdc529eb'")
    with pytest.raises(TrackingError, match=r"cannot read the store: .* run 'mlflow db upgrade"):
        ui.serve(uri, free_port(), "1")
    assert capsys.readouterr().out == ""


def test_a_server_without_the_experiment_is_named(server: str) -> None:
    assert ui.links_to("nobody-made-this", server) == server


def test_a_server_that_runs_already_is_named(
    workspace: Workspace,
    server: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workspace()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.setattr(sys, "argv", ["ui", "5000"])
    ui.main()
    experiment = MlflowClient(server).get_experiment_by_name("softmax-mnist")
    assert experiment is not None
    assert f"{server}/#/experiments/{experiment.experiment_id}/runs?" in capsys.readouterr().out
    assert json.loads(experiment.tags[views.TAG])["selectedColumns"]
