"""`make sweep` as people run it: a table, rows in MLflow, and the way on."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from clones import Clone
from mlflow import MlflowClient
from mlflow.entities import Run

from softmax.sweep import shelf
from softmax.tracking.replay import BATCH_LOSS

OPTIONS = ("-S", "train.learning_rate=0.01,0.1", "-S", "train.optimizer=sgd,adam")


Results = list[dict[str, object]]


@pytest.fixture(scope="module")
def clone(team: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone with the team's data, and a store of its own."""
    clone = Clone(tmp_path_factory.mktemp("sweep") / "clone", team.folder)
    shutil.copytree(team.folder / ".dvc/cache", clone.folder / ".dvc/cache")
    clone.run("dvc", "checkout")
    return clone


@pytest.fixture(scope="module")
def results(clone: Clone) -> Results:
    """Those of OPTIONS, for which it is trained."""
    return sweep(clone, *OPTIONS)


def sweep(clone: Clone, *options: str, **environment: str) -> Results:
    """What it prints for machines."""
    printed = clone.run("python", "-m", "tools.sweep", *options, "--json", **environment)
    found: Results = json.loads(printed)
    return found


def runs(clone: Clone, query: str = "") -> list[Run]:
    """Those of the clone's own store, newest first."""
    client = MlflowClient(f"sqlite:///{clone.folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("softmax-digits")
    return list(client.search_runs([experiment.experiment_id], query))


def rows(clone: Clone) -> dict[str, Run]:
    """The rows of models by their weights, and a parent that has none."""
    return {run.data.tags.get("weights.sha256", ""): run for run in runs(clone)}


def test_each_model_has_a_row_under_one_that_shows_all(clone: Clone, results: Results) -> None:
    models = rows(clone)
    parent = models.pop("")

    assert set(models) == {one["weights"] for one in results}
    for run in models.values():
        assert run.info.status == "FINISHED"
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert {"dvc.data.md5", "dvc.code.md5", "mlflow.source.git.commit"} <= set(run.data.tags)
        assert {BATCH_LOSS, "train_loss", "train_accuracy", "test_accuracy"} <= set(
            run.data.metrics
        )
        assert run.data.params["train.learning_rate"] in ("0.01", "0.1")
        datasets = {entry.dataset.name for entry in run.inputs.dataset_inputs}
        assert datasets == {"digits-training", "digits-test"}
        assert len(run.outputs.model_outputs) == 1
        assert " · lr=" in run.info.run_name
    picture = Path(parent.info.artifact_uri.removeprefix("file://")) / "sweep.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "learning_rate" in parent.data.tags["mlflow.note.content"]


def test_nothing_is_trained_or_logged_twice(clone: Clone, results: Results) -> None:
    def state() -> tuple[object, object]:
        kept = {path: path.stat().st_mtime_ns for path in (clone.folder / shelf.PLACE).iterdir()}
        return kept, {weights: run.info.run_id for weights, run in rows(clone).items()}

    before = state()
    assert sweep(clone, *OPTIONS) == results
    assert state() == before


def test_the_best_is_what_dvc_trains_and_its_row_is_found(clone: Clone) -> None:
    done = clone.make(
        "sweep", "S=train.learning_rate=0.01,0.1 train.validation=20 train.seed=0,1,2"
    )
    assert done.returncode == 0, done.stderr
    command = re.search(r"dvc exp run .*", done.stdout)
    weights = re.search(r"with weights (\w+)", done.stdout)
    assert command
    assert weights

    unseen = "http://127.0.0.1:9"  # by MLflow, so that the row of the sweep is the only one
    clone.run(*command[0].split(), MLFLOW_TRACKING_URI=unseen)
    trained = hashlib.sha256((clone.folder / "models/softmax.safetensors").read_bytes()).hexdigest()
    assert trained.startswith(weights[1])
    metrics = json.loads((clone.folder / "metrics/train.json").read_text())
    assert f"{metrics['validation_accuracy']:.2%}" in done.stdout
    clone.run("python", "-m", "tools.track")
    row = rows(clone)[trained]
    assert row.data.tags["mlflow.source.name"] == "tools.sweep"
    artifacts = Path(row.info.artifact_uri.removeprefix("file://"))
    assert (artifacts / "evaluation/predictions.csv").exists()

    sweep(
        clone,
        "-S",
        "train.seed=0,1,2,3",
        "-S",
        "train.learning_rate=0.001",
        "-S",
        "train.validation=0",
    )
    compared = clone.run("python", "-m", "tools.compare", "HEAD")
    assert "Over 3 seeds the same on both sides: 100.00% ± 0.00." in compared


def test_a_sweep_that_is_killed_goes_on(clone: Clone) -> None:
    """Here after the first of two passes."""
    options = ("-S", "train.seed=1,2", "-S", "train.learning_rate=0.1,1e30")
    place = clone.folder / shelf.PLACE
    before = set(place.iterdir())
    command = ["python", "-m", "tools.sweep", *options]
    environment = clone.environment | {"WORKERS": "1"}
    with subprocess.Popen(
        command, cwd=clone.folder, env=environment, stderr=subprocess.DEVNULL
    ) as process:
        while not (kept := {path for path in place.glob("*") if len(path.name) == 64} - before):
            time.sleep(0.001)
        os.kill(process.pid, signal.SIGKILL)
    times = {path: path.stat().st_mtime_ns for path in kept}

    results = sweep(clone, *options)
    assert {path: path.stat().st_mtime_ns for path in kept} == times
    assert [bool(one.get("failure")) for one in results] == [False, False, True, True]
    assert {one["weights"] for one in results[:2]} <= set(rows(clone))
    failed = runs(clone, "attributes.status = 'FAILED'")
    assert [run.data.params["train.learning_rate"] for run in failed] == ["1e+30", "1e+30"]
    for run in failed:
        assert "lower train.learning_rate" in run.data.tags["mlflow.note.content"]


def test_without_mlflow_it_says_how_to_add_the_rows(clone: Clone) -> None:
    command = ("python", "-m", "tools.sweep", "-S", "train.learning_rate=0.2,0.3")
    done = clone.attempt(*command, MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert done.returncode == 0
    assert done.stderr.count("warning: MLflow") == 1
    assert "sweep again: it trains nothing twice" in done.stderr


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("-S", "train.epochs=0,1"), "error: -S: train.epochs = 0 should be greater than or equal"),
        (("-S", "train.validation=100000"), "error: -S: train.validation = 100000 leaves none of"),
    ],
)
def test_bad_input_is_one_line_and_trains_nothing(
    options: tuple[str, ...], line: str, clone: Clone
) -> None:
    place = clone.folder / shelf.PLACE
    before = set(place.glob("*"))
    done = clone.attempt("python", "-m", "tools.sweep", *options)
    assert done.returncode == 2
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1
    assert set(place.glob("*")) == before
