"""`make ui` leads a person to the runs, side by side."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from helpers.shared import ROOT
from helpers.stores import STARTUP, empty_store, free_port, wait_for
from helpers.workspace import Workspace
from playwright.sync_api import Browser, expect

from softmax.errors import TrackingError
from softmax.provenance import lock
from tools import ui


@contextmanager
def served(log: Path) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """Run `make ui`, which writes to `log`; nothing of it is left afterwards."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.ui", str(port)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=log.open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process, log)
        yield process, port
    finally:
        with suppress(ProcessLookupError):  # it has ended
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_the_links_show_the_runs_side_by_side_until_the_command_ends(
    workspace: Workspace, browser: Browser, tmp_path: Path
) -> None:
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", workspace.store)
    lock.PATH.unlink()
    for seed in (1, 2):
        workspace.set(train={"seed": seed})
        assert workspace.stage("train").err == ""
        assert workspace.stage("evaluate").err == ""
    workspace.monkeypatch.delenv("MLFLOW_TRACKING_URI")
    log = tmp_path / "log"
    with served(log) as (process, port):
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
        process.terminate()
        assert process.wait(STARTUP) == 128 + signal.SIGTERM
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.extended
def test_a_store_of_an_older_mlflow_is_not_shown(tmp_path: Path) -> None:
    uri = empty_store(tmp_path / "old.db")
    with sqlite3.connect(tmp_path / "old.db") as old:
        old.execute("UPDATE alembic_version SET version_num = '0584bdc529eb'")
    with pytest.raises(TrackingError, match=r"cannot read the store: .* run 'mlflow db upgrade"):
        ui.serve(uri, free_port(), "1")
