"""Test `verification.checks reproducible`: it runs all stages and compares outputs with dvc.lock.

Most tests use a pipeline of one shell command, because the check does not depend on what the
stages compute.
"""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.repo import Repo
from helpers.clones import BIN, git
from helpers.workspace import Workspace, error

from softmax.pipeline import dvc_lock, files
from verification import matrix
from verification.matrix import Row

COUNT = "cat params.yaml docs/*.txt > data.txt && echo '{\"count\": 1}' > metrics/count.json"


@pytest.fixture
def shell(workspace: Workspace) -> Workspace:
    """Return a workspace whose pipeline is one shell command, which ran and is committed."""
    workspace.monkeypatch.setenv("PATH", str(BIN), prepend=os.pathsep)
    shutil.rmtree("metrics")
    Path("metrics").mkdir()
    Path("docs").mkdir()
    Path("docs/one.txt").write_text("one\n")
    write_pipeline(workspace, COUNT)
    return workspace


def write_pipeline(workspace: Workspace, command: str, **changes: object) -> None:
    """Write a dvc.yaml whose only stage runs `command`, run it, and commit everything."""
    stage = {
        "cmd": command,
        "deps": ["docs"],
        "params": ["train.seed"],
        "outs": ["data.txt"],
        "metrics": [{"metrics/count.json": {"cache": False}}],
    }
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": {"count": stage | changes}}))
    dvc_lock.PATH.unlink(missing_ok=True)
    with Repo() as repo:
        repo.reproduce()
    workspace.commit("Count")


def verdict(workspace: Workspace) -> str:
    """Run the check, assert that it fails, and return the reason that it prints."""
    line = error(workspace.call("verification.checks", "reproducible"))
    assert line.startswith("dvc.lock is not reproducible: ")
    return line.removeprefix("dvc.lock is not reproducible: ")


def test_uncommitted_changes_are_checked_and_kept(shell: Workspace) -> None:
    """Check while git's hook variables are set and another git process holds the index lock."""
    Path("docs/two.txt").write_text("untracked")
    Path("datasets.yaml").write_text("# unfinished\n" + Path("datasets.yaml").read_text())
    before = git(shell.directory, "status", "--porcelain")
    index = shell.directory / ".git/index"
    index.with_name("index.lock").touch()
    shell.monkeypatch.setenv("GIT_INDEX_FILE", str(index))
    shell.monkeypatch.setenv("GIT_DIR", ".git")
    printed = shell.call("verification.checks", "reproducible")
    assert "dvc.lock is reproducible: " in printed.out, printed.err
    index.with_name("index.lock").unlink()
    assert git(shell.directory, "status", "--porcelain") == before
    assert Path("datasets.yaml").read_text().startswith("# unfinished\n")
    assert git(shell.directory, "stash", "list") == ""
    Path("docs/one.txt").write_text("other\n")
    assert "a run from scratch gives different bytes in dvc.lock, data.txt. Run" in verdict(shell)


def test_an_edited_metric_fails_the_check(shell: Workspace) -> None:
    """Edit the metric and its MD5 in dvc.lock, so dvc.lock is up to date."""
    metrics = Path("metrics/count.json")
    before = files.md5(metrics)
    metrics.write_text('{"count": 2}\n')
    dvc_lock.PATH.write_text(dvc_lock.PATH.read_text().replace(before, files.md5(metrics)))
    shell.commit("Improve")
    assert shell.call("verification.checks", "current").status == 0
    assert verdict(shell) == (
        "a run from scratch gives different bytes in dvc.lock, metrics/count.json. "
        "Run `dvc repro --force --no-run-cache`, then commit dvc.lock and metrics."
    )


@pytest.mark.parametrize("change", [{"metrics": []}, {"params": []}])
def test_an_entry_missing_from_dvc_yaml_is_detected(shell: Workspace, change: Any) -> None:
    """Remove a metric that the stage still writes, or a param, from dvc.yaml."""
    before = dvc_lock.PATH.read_text()
    write_pipeline(shell, COUNT, **change)
    dvc_lock.PATH.write_text(before)
    assert verdict(shell).startswith("a run from scratch gives different bytes in dvc.lock")


def test_an_orphan_metric_or_an_untracked_input_fails_the_check(shell: Workspace) -> None:
    """Add a metric that no stage writes, then an input that git does not track."""
    Path("metrics/ghost.json").write_text("{}")
    shell.commit("Haunt")
    assert verdict(shell) == "no stage writes metrics/ghost.json. Run `git rm metrics/ghost.json`."
    write_pipeline(shell, f"{COUNT} && test -f mlflow.db")
    assert verdict(shell) == "a stage failed. Its error is above."


def test_existing_data_take_precedence_over_a_mirror(shell: Workspace) -> None:
    """Use a mirror that does not exist, and change only the timestamp of params.yaml."""
    shell.monkeypatch.setenv("MNIST_MIRROR", str(shell.directory / "data/digits"))
    write_pipeline(shell, f'{COUNT} && test -d "$MNIST_MIRROR"')
    shell.monkeypatch.setenv("MNIST_MIRROR", "/nowhere")
    os.utime("params.yaml", (0, 0))
    assert shell.call("verification.checks", "reproducible").status == 0
    shutil.rmtree("data")
    assert verdict(shell) == "a stage failed. Its error is above."


def test_a_configuration_in_a_process_gives_the_bytes_of_dvc_lock(workspace: Workspace) -> None:
    """Run a configuration as `make verify` does. A configuration that cannot run does not count."""
    rows = [Row("NumPy", environment={"OMP_NUM_THREADS": "1"}, threads=1), Row("Z80", missing="no")]
    workspace.monkeypatch.setattr(matrix, "here", lambda: rows)
    printed = workspace.call("verification.__main__")
    assert printed.status == 0, printed.err
    assert "1 configurations reproduced all 12 outputs of train, evaluate and export" in printed.out
