"""Both claims about dvc.lock hold where nothing was pulled, and fail on whatever breaks them."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from clones import Clone
from servers import empty_store

CURRENT = ("python", "-m", "verification.claims", "current")
TRUE = ("python", "-m", "verification.claims", "true")
EDITS = {  # what the verdict says, and the file, the text and what replaces it
    "train: train.epochs modified": ("params.yaml", "epochs: 5", "epochs: 6"),
    "export: softmax/results/images.py modified": (
        "softmax/results/images.py",
        "LINE = 0",
        "LINE = 1",
    ),
    "evaluate: metrics/test.json modified": ("metrics/test.json", '"total": 30', '"total": 31'),
    "train: command modified": ("dvc.yaml", "python -m stages.train", "python -O -m stages.train"),
    "train: softmax/machine/device.py imported, but not in its deps in dvc.yaml: add it": (
        "dvc.yaml",
        "      - softmax/machine\n",
        "",
    ),
}
CONFUSION = """\
    plots:
      - metrics/confusion.csv:
          cache: false
          template: mistakes # ours, too: all mistakes are pale beside what is right in DVC's
          title: Confusion on the test set
          x: predicted
          y: actual
"""

BROKEN = {  # the same, where a file cannot be read
    "dvc.lock' validation failed": ("dvc.lock", "schema: '2.0'", "schema: '9.0'"),
    "dvc.yaml' validation failed": ("dvc.yaml", "\nstages:", "\nstages: 1\nstags:"),
    "params.yaml: train.epochs = 0 should be": ("params.yaml", "epochs: 5", "epochs: 0"),
    "stages/train.py, line 1: ": ("stages/train.py", '"""Fit', 'def """Fit'),
    "dvc.lock: not what DVC writes": ("dvc.lock", "schema: '2.0'", "<<<<<<< HEAD\nschema: '2.0'"),
}


@pytest.fixture(scope="module")
def fresh(team: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in which nothing was pulled and nothing ran, with a store for all that will."""
    folder = tmp_path_factory.mktemp("fresh")
    clone = Clone(folder / "clone", team.folder)
    empty_store(folder / "mlflow.db")
    clone.environment = team.environment | {"DVC_ROOT": str(folder)}
    return clone


@pytest.fixture
def clone(fresh: Clone) -> Iterator[Clone]:
    """The same, for one test to break."""
    yield fresh
    fresh.run("git", "reset", "--quiet", "--hard", "origin/HEAD")
    fresh.run("git", "clean", "--quiet", "--force", "-dx")


@pytest.fixture
def short(clone: Clone) -> Clone:
    """The same without the stages that no score needs: they take half of the time."""
    clone.drop("export", "lesson", "report")
    clone.run("git", "rm", "--quiet", "metrics/lesson.csv")
    return clone


def verdict(done: subprocess.CompletedProcess[str]) -> str:
    """The one line in which a claim fails."""
    assert done.returncode == 2, done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.stderr
    return lines[0].removeprefix("error: ")


def test_the_lock_is_current_with_and_without_data(team: Clone, clone: Clone) -> None:
    for place in (team, clone):
        assert "the lock is current: " in place.run(*CURRENT)
        assert place.run("git", "status", "--porcelain") == ""


@pytest.mark.parametrize("reason", EDITS)
def test_a_change_without_its_lock_is_not_current(clone: Clone, reason: str) -> None:
    clone.edit(*EDITS[reason])
    line = verdict(clone.attempt(*CURRENT))
    assert line.startswith("the lock is not current: ")
    assert reason in line
    assert line.endswith("; run `dvc repro`, then commit dvc.lock and metrics")


@pytest.mark.parametrize("reason", BROKEN)
def test_what_cannot_be_read_is_named(clone: Clone, reason: str) -> None:
    clone.edit(*BROKEN[reason])
    assert reason in verdict(clone.attempt(*CURRENT))


def test_another_hash_of_the_data_set_is_not_current(clone: Clone) -> None:
    pins = clone.folder / "datasets.yaml"
    pins.write_text(pins.read_text()[:-5] + "beef\n")
    assert "download: digits.t10k-labels-idx1-ubyte modified" in verdict(clone.attempt(*CURRENT))


def lock_of(clone: Clone) -> dict[str, dict[str, list[dict[str, str]]]]:
    """The stages of the clone's dvc.lock."""
    content: dict[str, dict[str, dict[str, list[dict[str, str]]]]] = yaml.safe_load(
        (clone.folder / "dvc.lock").read_text()
    )
    return content["stages"]


@pytest.mark.parametrize(("stage", "kind"), [("download", "outs"), ("evaluate", "deps")])
def test_a_wrong_hash_of_data_is_not_current(clone: Clone, stage: str, kind: str) -> None:
    """Though there are no data here to compare it with."""
    stages, path = lock_of(clone), "data/digits/t10k-labels-idx1-ubyte"
    for entry in stages[stage][kind]:
        if entry["path"] == path:
            entry["md5"] = "0" * 32
    (clone.folder / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    assert f"evaluate: {path} deleted" in verdict(clone.attempt(*CURRENT))


def test_a_stage_that_is_not_in_the_lock_is_not_current(clone: Clone) -> None:
    stages = lock_of(clone)
    del stages["export"]
    (clone.folder / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    assert "export: not in dvc.lock" in verdict(clone.attempt(*CURRENT))


def test_a_stage_that_is_no_longer_in_dvc_yaml_is_not_current(clone: Clone) -> None:
    content = {"schema": "2.0", "stages": {**lock_of(clone), "ghost": {"cmd": "true"}}}
    (clone.folder / "dvc.lock").write_text(yaml.safe_dump(content))
    line = verdict(clone.attempt(*CURRENT))
    assert "ghost: in dvc.lock, but not in dvc.yaml: delete it there" in line


def test_a_module_from_elsewhere_imports_nothing_of_ours(clone: Clone) -> None:
    clone.edit("dvc.yaml", "python -m stages.train", "python -m torch.distributed.run stages.train")
    line = verdict(clone.attempt(*CURRENT))
    assert line.startswith("the lock is not current: train: command modified; run ")


def test_another_label_on_disk_is_not_current(team: Clone, clone: Clone) -> None:
    labels = Path("data/digits/train-labels-idx1-ubyte")
    (clone.folder / labels).parent.mkdir(parents=True)
    (clone.folder / labels).write_bytes((team.folder / labels).read_bytes()[:-1] + b"\0")
    assert f"train: {labels} modified" in verdict(clone.attempt(*CURRENT))


def test_the_lock_is_true_and_no_work_is_lost(clone: Clone) -> None:
    """What is not committed counts, and stays as it is; a hook's variables lead nowhere else.

    An editor's git is busy here.
    """
    (clone.folder / "README.md").write_text("unfinished")
    (clone.folder / "notes").write_text("untracked")
    before = clone.run("git", "status", "--porcelain")
    index = clone.folder / ".git/index"
    busy = index.with_name("index.lock")
    busy.touch()
    assert "the lock is true: " in clone.run(*TRUE, GIT_INDEX_FILE=str(index), GIT_DIR=".git")
    busy.unlink()
    assert clone.run("git", "status", "--porcelain") == before
    assert (clone.folder / "README.md").read_text() == "unfinished"
    assert clone.run("git", "stash", "list") == ""


def test_a_metric_that_was_improved_by_hand_is_not_true(short: Clone) -> None:
    """Even where dvc.lock was made to agree with it, so that it is current."""
    metrics = short.folder / "metrics/test.json"
    before = hashlib.md5(metrics.read_bytes(), usedforsecurity=False).hexdigest()
    short.edit("metrics/test.json", '"loss": ', '"loss": 0')
    after = hashlib.md5(metrics.read_bytes(), usedforsecurity=False).hexdigest()
    lock = short.folder / "dvc.lock"
    lock.write_text(lock.read_text().replace(before, after))
    short.run("git", "commit", "--quiet", "--all", "--message", "Improve")
    short.run(*CURRENT)
    line = verdict(short.attempt(*TRUE))
    assert line.startswith("the lock is not true: from scratch, other bytes come in dvc.lock")
    assert line.count("metrics/test.json") == 1
    assert line.endswith(
        "; run `dvc repro --force --no-run-cache`, then commit dvc.lock and metrics"
    )


def test_a_metric_that_no_stage_makes_is_not_true(short: Clone) -> None:
    """Nor is one that dvc.yaml no longer names, though a stage still writes it."""
    (short.folder / "metrics/ghost.json").write_text("{}")
    short.run("git", "add", "metrics/ghost.json")
    short.edit("dvc.yaml", CONFUSION, "")
    line = verdict(short.attempt(*TRUE))
    assert line.startswith(
        "the lock is not true: no stage makes metrics/ghost.json: git rm it; "
        "from scratch, other bytes come in dvc.lock; run "
    )


def test_a_param_that_dvc_yaml_no_longer_names_is_not_true(short: Clone) -> None:
    short.edit("dvc.yaml", ", evaluate.samples]", "]")
    assert "other bytes come in dvc.lock; run " in verdict(short.attempt(*TRUE))


def test_the_data_that_are_here_go_before_a_mirror(team: Clone, short: Clone) -> None:
    """Which may hold another data set, as in the workflows. A file was written as it was."""
    shutil.copytree(team.folder / "data", short.folder / "data")
    os.utime(short.folder / "README.md", (0, 0))
    assert "the lock is true: " in short.run(*TRUE, MNIST_MIRROR="/nowhere")


def test_what_git_does_not_track_is_no_part_of_the_truth(clone: Clone) -> None:
    """A module that nobody else will have."""
    (clone.folder / "softmax/mine.py").touch()
    clone.edit(
        "stages/check.py", "from softmax.errors", "from softmax import mine\nfrom softmax.errors"
    )
    line = verdict(clone.attempt(*TRUE))
    assert line == "the lock is not true: a stage fails from scratch, as said above"
