"""Two branches that each changed params and their dvc.lock, and the way out."""

from pathlib import Path

from helpers.clones import digits_clone


def test_the_settled_params_give_the_lock(tmp_path: Path) -> None:
    clone = digits_clone(tmp_path / "clone")
    clone.run("git", "branch", "start")
    for branch, edits in {
        "theirs": [("spread: 0.16", "spread: 0.12"), ("scale: 2", "scale: 3")],
        "ours": [("scale: 2", "scale: 4")],
    }.items():
        clone.run("git", "checkout", "--quiet", "-b", branch, "start")
        for old, new in edits:
            clone.edit("params.yaml", old, new)
        clone.run("dvc", "repro")
        clone.run("git", "commit", "--quiet", "--all", "--message", branch)
    assert clone.attempt("git", "merge", "theirs").returncode == 1
    unmerged = ("git", "diff", "--name-only", "--diff-filter=U")
    assert clone.run(*unmerged).split() == ["dvc.lock", "params.yaml"]

    done = clone.softmax("resolve")
    assert done.returncode == 2
    assert done.stderr.startswith("error: params.yaml: unresolved conflicts. Resolve them, ")
    assert clone.run(*unmerged).split() == ["dvc.lock", "params.yaml"]

    clone.run("git", "checkout", "--theirs", "params.yaml")
    clone.run("git", "add", "params.yaml")
    done = clone.softmax("resolve")
    assert done.returncode == 0, done.stderr
    assert "Stage 'lesson' is cached - skipping run" in done.stdout
    clone.run("git", "commit", "--quiet", "--message", "Merge")
    assert clone.run("git", "diff", "--name-only", "start", "--", "metrics") != ""
    assert clone.run("git", "diff", "theirs", "--", "dvc.lock", "metrics") == ""
    clone.assert_clean()
