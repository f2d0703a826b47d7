"""Test sharing data and models through a remote, and merging branches."""

import re
import shutil
import socket
from pathlib import Path

import pytest
from helpers.clones import Clone, digits_clone
from helpers.runs import artifacts, runs

from softmax.pipeline import dvc_lock, files, paths


def share(directory: Path, url: str) -> Clone:
    """Return a clone in `directory` with all results, whose last commit adds the remote `url`."""
    clone = digits_clone(directory / "clone")
    clone.run("dvc", "remote", "add", "--default", "team", url)
    clone.run("dvc", "remote", "modify", "team", "verify", "true")
    clone.run("git", "commit", "--quiet", "--all", "--message", "Share")
    return clone


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """Return a remote to which the clone beside it has pushed."""
    share(tmp_path, "../remote").run("dvc", "push")
    return tmp_path / "remote"


def test_a_teammate_rebuilds_damaged_outputs_and_pulls_the_rest(
    remote: Path, tmp_path: Path
) -> None:
    """DVC reports the damaged object only because the remote sets the option `verify`."""
    md5 = dvc_lock.outputs(dvc_lock.load(tmp_path / "clone"), "train")[paths.WEIGHTS]
    stored = remote / "files/md5" / md5[:2] / md5[2:]
    stored.chmod(0o644)
    content = stored.read_bytes()
    stored.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))  # a bit flipped by the disk
    clone = Clone(tmp_path / "mate", tmp_path / "clone")
    pull = clone.attempt("dvc", "pull")
    assert pull.returncode == 1
    assert re.search(f"failed for following targets:\n(.*\n)*{paths.WEIGHTS}\n", pull.stderr)
    assert not (clone.directory / paths.WEIGHTS).exists()
    repro = clone.make("repro", "PULL=1")
    assert repro.returncode == 0, repro.stderr
    assert re.findall("Running stage '(.*)'", repro.stdout) == ["train"]
    clone.assert_clean()
    assert clone.softmax("track").returncode == 0
    store = f"sqlite:///{clone.directory / 'mlflow.db'}"
    (run,) = runs(store)
    assert run.info.status == "FINISHED"
    assert {"train_accuracy", "test_accuracy"} <= run.data.metrics.keys()
    assert "weights/grid/gray.png" in artifacts(store, run, "weights/grid")


@pytest.mark.extended
@pytest.mark.usefixtures("remote")
def test_a_model_version_is_downloaded_without_a_clone(tmp_path: Path) -> None:
    asking, project = digits_clone(tmp_path / "asking"), tmp_path / "clone"
    weights, card = tmp_path / "weights", tmp_path / "card"
    asking.run("gto", "register", "--repo", str(project), "softmax-digits")
    shutil.rmtree(project / ".dvc/cache")
    asking.run("dvc", "artifacts", "get", str(project), "softmax-digits", "--out", str(weights))
    tag = ("--rev", "softmax-digits@v0.0.1")
    asking.run("dvc", "get", str(project), str(paths.MODEL_CARD), *tag, "--out", str(card))
    assert files.sha256(weights) == files.sha256(asking.directory / paths.WEIGHTS)
    assert files.sha256(weights) in card.read_text()


@pytest.mark.extended
def test_an_empty_remote_fails_dvc_pull_but_not_make_repro(tmp_path: Path) -> None:
    shared = share(tmp_path, str(tmp_path / "remote"))
    clone = Clone(tmp_path / "mate", tmp_path / "clone")
    pull = clone.attempt("dvc", "pull")
    assert pull.returncode == 1
    assert "do not exist neither locally nor on remote" in pull.stderr
    assert str(paths.WEIGHTS) in pull.stderr
    repro = clone.make("repro", "PULL=1", MNIST_MIRROR=str(shared.directory / "data/digits"))
    assert repro.returncode == 0, repro.stderr
    assert "Running stage 'train'" in repro.stdout
    clone.assert_clean()


@pytest.mark.extended
def test_an_unreachable_remote_gives_a_clear_error_without_a_traceback(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nothing listens on this port
        share(tmp_path, f"ssh://127.0.0.1:{taken.getsockname()[1]}/srv/dvc")
        clone = Clone(tmp_path / "mate", tmp_path / "clone")
        pull, repro = clone.attempt("dvc", "pull"), clone.make("repro", "PULL=1")
    assert pull.returncode == 1
    assert repro.returncode == 2
    assert "ERROR: failed to connect to ssh" in pull.stderr
    assert "Connect call failed" in repro.stderr
    assert "Traceback" not in pull.stderr + repro.stderr


def test_resolve_rebuilds_dvc_lock_from_the_merged_params(tmp_path: Path) -> None:
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
