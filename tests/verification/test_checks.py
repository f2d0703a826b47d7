"""dvc.lock is current where nothing was pulled, and not after any change without its lock.

That it is true is claimed by tests/end_to_end/test_reproducibility.py.
"""

import shutil
from pathlib import Path

import pytest
import yaml
from helpers.clones import git
from helpers.workspace import Workspace, error

from softmax.pipeline import dvc_lock

LABELS = "data/digits/t10k-labels-idx1-ubyte"
EDITS = {  # what the verdict says, and the file, the text and what replaces it
    "train: train.epochs modified": ("params.yaml", "epochs: 1", "epochs: 6"),
    "check: datasets.yaml modified": ("datasets.yaml", "shape:", "homepage: a\n  shape:"),
    "report: softmax/report modified": ("softmax/report/styles/style.css", "{", " {"),
    "evaluate: metrics/test.json modified": ("metrics/test.json", '"total": 30', '"total": 31'),
    f"evaluate: {LABELS} modified": (LABELS, "\5\6", "\5\5"),
    "date: train: command modified. Run": ("dvc.yaml", "-m stages.train", "-m torch.train"),
    "export: not in dvc.lock; ghost: in dvc.lock, but not in dvc.yaml: delete it there": (
        *("dvc.lock", "  export:", "  ghost:"),
    ),
}
CURRENT = "dvc.lock is up to date: 7 stages"
BROKEN = {  # the same, where a file cannot be read
    "dvc.lock' validation failed": ("dvc.lock", "schema: '2.0'", "schema: '9.0'"),
    "dvc.yaml' validation failed": ("dvc.yaml", "\nstages:", "\nstages: 1\nstags:"),
    "params.yaml: train.epochs = 0 should be": ("params.yaml", "epochs: 1", "epochs: 0"),
    "dvc.lock is corrupted": ("dvc.lock", "schema: '2.0'", "<<<<<<< HEAD\nschema: '2.0'"),
}


def edit(file: str, old: str, new: str) -> None:
    """Replace the first occurrence of a text in a file."""
    text = Path(file).read_text()
    assert old in text
    Path(file).write_text(text.replace(old, new, 1))


def forget_the_data() -> None:
    """Remove data, models and cache, as in a clone in which nothing was pulled."""
    for directory in (".dvc/cache", "data", "images", "models", "report"):
        shutil.rmtree(directory)
    git(Path(), "clean", "--quiet", "--force", "-X", "metrics", "params.valid")


def verdict(workspace: Workspace) -> str:
    """Return the one line in which the claim fails."""
    return error(workspace.call("verification.checks", "current"))


def test_the_lock_is_current_with_and_without_data(workspace: Workspace) -> None:
    assert CURRENT in workspace.call("verification.checks", "current").out
    forget_the_data()
    assert CURRENT in workspace.call("verification.checks", "current").out
    assert git(workspace.directory, "status", "--porcelain") == ""


@pytest.mark.parametrize("reason", [*EDITS, *BROKEN])
def test_a_change_without_its_lock_is_not_current(workspace: Workspace, reason: str) -> None:
    edit(*(EDITS | BROKEN)[reason])
    line = verdict(workspace)
    assert reason in line
    asked = "Run `dvc repro`, then commit dvc.lock and metrics"
    assert (line.startswith("dvc.lock is not up to date: ") and asked in line) == (reason in EDITS)


@pytest.mark.parametrize(("stage", "kind"), [("download", "outs"), ("evaluate", "deps")])
def test_a_wrong_hash_of_data_is_not_current(workspace: Workspace, stage: str, kind: str) -> None:
    """Even without data to compare it with."""
    forget_the_data()
    locked = yaml.safe_load(dvc_lock.PATH.read_text())
    (entry,) = (entry for entry in locked["stages"][stage][kind] if entry["path"] == LABELS)
    entry["md5"] = "0" * 32
    dvc_lock.PATH.write_text(yaml.safe_dump(locked))
    assert f"evaluate: {LABELS} deleted" in verdict(workspace)
