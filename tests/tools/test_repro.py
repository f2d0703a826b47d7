"""`make repro` goes on where DVC alone cannot, and says what came of it."""

import json
from pathlib import Path

import pytest
from dvc.cli import main as dvc
from dvc.lock import make_lock
from helpers.clones import git
from helpers.workspace import Workspace

from softmax.pipeline import paths
from softmax.provenance import lock
from tools import repro

CUT = {"schema": "schema: '2", "stage": "schema: '2.0'\nstages:\n  download:\n    cm"}


@pytest.mark.parametrize("rest", ["", '{"write": {"da'], ids=["empty", "half"])
def test_notes_that_a_kill_tore_are_removed(workspace: Workspace, rest: str) -> None:
    repro.NOTES.write_text(rest)
    assert dvc(["repro"]) != 0  # by itself
    assert workspace.tool("repro").status == 0
    assert dvc(["repro"]) == 0


def test_other_notes_stay(workspace: Workspace) -> None:
    notes = '{"read": {}, "write": {"/no/such": {"pid": 1, "cmd": "dvc"}}}'
    repro.NOTES.write_text(notes)
    workspace.tool("repro")
    assert "/no/such" in repro.NOTES.read_text()


@pytest.mark.parametrize("rest", ["", *CUT.values()], ids=["empty", *CUT])
def test_a_lock_that_a_kill_tore_is_taken_from_git(workspace: Workspace, rest: str) -> None:
    whole = lock.PATH.read_text()
    lock.PATH.write_text(rest)
    printed = workspace.tool("repro")
    assert "repro: dvc.lock was torn; it is taken from git\n" in printed.err
    assert printed.status == 0
    assert lock.PATH.read_text() == whole
    assert git(workspace.directory, "status", "--porcelain") == ""


def test_a_lock_in_a_merge_stays(workspace: Workspace) -> None:
    whole = lock.PATH.read_text()
    merging = f"<<<<<<< ours\n{whole}=======\n{whole}>>>>>>> theirs\n"
    lock.PATH.write_text(merging)
    assert workspace.tool("repro").status != 0
    assert lock.PATH.read_text() == merging


@pytest.mark.usefixtures("workspace")
def test_what_another_dvc_writes_stays() -> None:
    """It holds a lock while it does."""
    lock.PATH.write_text("")
    with make_lock(".dvc/tmp/lock", ".dvc/tmp"):
        repro.mend()
    assert lock.PATH.read_text() == ""
    repro.mend()
    assert lock.PATH.read_text() != ""


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
