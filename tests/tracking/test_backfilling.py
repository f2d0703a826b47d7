"""The ways to a model on which no script runs: `python -m tools.track` makes its row."""

import json
import shutil
from pathlib import Path

import pytest
from clones import Clone
from mlflow import MlflowClient
from mlflow.entities import Run

from softmax.tracking.replay import BATCH_LOSS


@pytest.fixture
def clone(team: Clone, tmp_path: Path) -> Clone:
    """A clone with all of the team's cache and a store of its own, in which nothing has run."""
    clone = Clone(tmp_path / "clone", team.folder)
    shutil.copytree(team.folder / ".dvc/cache", clone.folder / ".dvc/cache")
    return clone


def rows(clone: Clone) -> list[Run]:
    """The runs of models in the clone's own store."""
    client = MlflowClient(f"sqlite:///{clone.folder / 'mlflow.db'}")
    return list(client.search_runs([client.get_experiment_by_name("softmax-digits").experiment_id]))


def assert_complete(row: Run, clone: Clone) -> None:
    metrics = json.loads((clone.folder / "metrics/test.json").read_text())
    assert row.info.status == "FINISHED"
    assert row.data.metrics["test_accuracy"] == metrics["accuracy"]
    assert {BATCH_LOSS, "train_loss", "train_accuracy"} <= set(row.data.metrics)
    artifacts = Path(row.info.artifact_uri.removeprefix("file://"))
    assert (artifacts / "weights/grid/gray.png").exists()
    assert (artifacts / "report/index.html").exists()


def test_the_run_cache_gives_the_results(clone: Clone) -> None:
    (clone.folder / "dvc.lock").unlink()
    printed = clone.run("dvc", "repro")
    assert "Stage 'train' is cached - skipping run" in printed
    assert "Running stage" not in printed
    store = MlflowClient(f"sqlite:///{clone.folder / 'mlflow.db'}")
    assert store.get_experiment_by_name("softmax-digits") is None
    clone.run("python", "-m", "tools.track")
    (row,) = rows(clone)
    assert_complete(row, clone)


def test_an_applied_experiment_and_another_store_get_the_row(clone: Clone) -> None:
    elsewhere = {"MLFLOW_TRACKING_URI": f"sqlite:///{clone.folder / 'mlflow.db'}"}
    change = ("-S", "train.learning_rate=0.1", "-S", "train.epochs=1")
    clone.run("dvc", "exp", "run", "--temp", "--name", "short", *change, **elsewhere)
    clone.run("dvc", "exp", "apply", "short")
    clone.give_store()
    clone.run("python", "-m", "tools.track")
    (row,) = rows(clone)
    assert_complete(row, clone)
    assert row.data.params["train.epochs"] == "1"


def test_history_finds_what_only_a_tag_or_a_branch_holds(clone: Clone) -> None:
    """And what has no commit of its own but is an experiment, once each.

    A dvc.lock that cannot be read is left out.
    """
    start = clone.run("git", "rev-parse", "HEAD").strip()
    change = ("-S", "train.learning_rate=0.3", "-S", "train.epochs=1")
    clone.run("dvc", "exp", "run", "--temp", "--name", "experiment", *change, "train")
    clone.edit("params.yaml", "epochs: 5", "epochs: 1")
    clone.edit("params.yaml", "learning_rate: 0.001", "learning_rate: 0.1")
    clone.run("dvc", "repro", "train")
    clone.run("git", "commit", "--quiet", "--all", "--message", "Train with 0.1")
    clone.run("git", "tag", "only-tagged")
    clone.edit("params.yaml", "learning_rate: 0.1", "learning_rate: 0.2")
    clone.run("dvc", "repro", "train")
    clone.run("git", "reset", "--quiet", "--soft", start)
    clone.run("git", "checkout", "--quiet", "-b", "only-branched")
    clone.run("git", "commit", "--quiet", "--all", "--message", "Train with 0.2")
    (clone.folder / "dvc.lock").write_text("<<<<<<< HEAD\n")
    clone.run("git", "commit", "--quiet", "--all", "--message", "Commit a conflict")
    clone.run("git", "checkout", "--quiet", "-")
    clone.give_store()
    for _ in range(2):
        done = clone.attempt("python", "-m", "tools.track", "history")
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("left out: dvc.lock: not what DVC writes") == 1
    found = sorted(row.data.params["train.learning_rate"] for row in rows(clone))
    assert found == ["0.001", "0.1", "0.2", "0.3"]
    names = [row.data.tags.get("DVC_EXP_NAME") for row in rows(clone)]
    assert sorted(filter(None, names)) == ["experiment"]
