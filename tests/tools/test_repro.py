"""`make repro` goes on where DVC alone cannot, and says what came of it."""

import json
from pathlib import Path

import pytest
from dvc.cli import main as dvc
from helpers.workspace import Workspace

from softmax.pipeline import paths
from softmax.provenance import lock
from tools import repro


def test_what_a_kill_tore_is_mended(workspace: Workspace) -> None:
    whole = lock.PATH.read_bytes()
    repro.NOTES.write_text('{"write": {"da')
    lock.PATH.write_bytes(whole[:10])
    assert dvc(["repro"]) != 0  # by itself
    printed = workspace.tool("repro")
    assert "repro: dvc.lock was torn; it is taken from git\n" in printed.err
    assert printed.status == 0
    assert lock.PATH.read_bytes() == whole


def test_it_ends_with_the_accuracy_and_what_is_there(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    _, accuracy, _, *rows = workspace.tool("repro").out.strip().splitlines()[-10:]
    correct = round(json.loads(paths.TEST_METRICS.read_text())["accuracy"] * 30)
    assert accuracy == f"{correct / 30:.2%} of 30 test images right"  # without that of the lecture
    told = {row[:19].strip(): row[19:] for row in rows}
    assert told["ran"] == "nothing"
    assert told["already there"] == "check, download, train, evaluate, export, lesson, report"
    for name in ("weights as images", "sample cards", "all, explained"):
        assert Path(told[name]).exists()
    assert told["an experiment"].startswith(". .venv/bin/activate; dvc exp run -S ")
