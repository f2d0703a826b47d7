"""Two branches that each changed params and their dvc.lock, and the way out."""

import shutil
from pathlib import Path

import pytest
from clones import Clone


@pytest.fixture
def merge(team: Clone, tmp_path: Path) -> Clone:
    """A clone in the middle of a merge of two branches that were both trained."""
    clone = Clone(tmp_path / "clone", team.folder)
    clone.environment = team.environment
    shutil.copytree(team.folder / ".dvc/cache", clone.folder / ".dvc/cache")
    clone.run("git", "branch", "ours")
    for branch, edits in {
        "theirs": {"epochs: 5": "epochs: 4", "scale: 10": "scale: 3"},
        "ours": {"scale: 10": "scale: 4"},
    }.items():
        clone.run("git", "checkout", "--quiet", "-B", branch, "origin/HEAD")
        for old, new in edits.items():
            clone.edit("params.yaml", old, new)
        clone.run("dvc", "repro")
        clone.run("git", "commit", "--quiet", "--all", "--message", branch)
    assert clone.attempt("git", "merge", "theirs").returncode == 1
    return clone


def test_the_settled_params_give_the_lock(merge: Clone) -> None:
    unmerged = ("git", "diff", "--name-only", "--diff-filter=U")
    assert merge.run(*unmerged).split() == ["dvc.lock", "params.yaml"]

    done = merge.make("resolve")
    assert done.returncode == 2
    assert done.stdout == "params.yaml\n"
    assert "settle these by hand" in done.stderr
    assert merge.run(*unmerged).split() == ["dvc.lock", "params.yaml"]

    merge.run("git", "checkout", "--theirs", "params.yaml")
    merge.run("git", "add", "params.yaml")
    done = merge.make("resolve")
    assert done.returncode == 0, done.stderr
    assert "Stage 'train' is cached - skipping run" in done.stdout
    merge.run("git", "commit", "--quiet", "--message", "Merge")
    assert merge.run("git", "diff", "theirs", "--", "dvc.lock", "metrics") == ""
    assert merge.run("git", "status", "--porcelain") == ""
    merge.run("python", "-m", "verification.claims", "current")
