"""Test that `softmax track` logs the results of a model that MLflow lacks, and nothing twice."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.repo import Repo
from helpers.clones import git
from helpers.runs import NAME, artifacts, content, runs
from helpers.stores import NOWHERE, empty_store
from helpers.workspace import MODEL, Workspace, error
from mlflow import MlflowClient

from softmax.pipeline import dvc_lock, paths
from softmax.pipeline.datasets import FILES
from softmax.tracking.store import connect, experiment


def test_track_logs_the_same_run_as_the_stages_and_only_once(workspace: Workspace) -> None:
    workspace.run(*MODEL, "report")
    other = empty_store(workspace.directory / "other.db")
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", other)
    for _ in range(3):
        assert "the results of train, evaluate, export, report: " in workspace.tool("track").out
    assert content(other) == content(workspace.store)
    (run,) = runs(other)
    assert run.data.tags["backfilled"] == "true"
    (output,) = run.outputs.model_outputs
    assert type(output.step) is int  # other types become a blob, which no server can send


def test_metrics_go_to_the_newest_run_of_the_weights_or_a_new_run(workspace: Workspace) -> None:
    dvc_lock.PATH.unlink()
    workspace.stage("evaluate")
    (made,) = runs(workspace.store)
    assert {"train_accuracy", "test_accuracy"} <= set(made.data.metrics)
    assert made.data.tags["backfilled"] == "true"
    assert made.info.status == "FINISHED"
    for stage in ("train", "train", "evaluate"):
        workspace.stage(stage)
    scored = ["test_accuracy" in run.data.metrics for run in runs(workspace.store)]
    assert scored == [True, False, True]  # the newest first


def test_retraining_logs_results_of_later_stages_that_dvc_skips(workspace: Workspace) -> None:
    """Train again to the same weights, so DVC runs no later stage."""
    workspace.stage("train")
    (run,) = runs(workspace.store)
    assert "test_accuracy" in run.data.metrics
    assert "weights/grid/gray.png" in artifacts(workspace.store, run, "weights/grid")
    assert artifacts(workspace.store, run, "report") == {"report/index.html"}


def test_a_model_without_evaluation_is_logged(workspace: Workspace) -> None:
    """Log the model although dvc.lock has more stages, as after an outage of the server."""
    workspace.set(train={"seed": 3})
    locked = dvc_lock.PATH.read_bytes()
    dvc_lock.PATH.unlink()
    with workspace.monkeypatch.context() as away:
        away.setenv("MLFLOW_TRACKING_URI", NOWHERE)
        workspace.stage("train")
    dvc_lock.PATH.write_bytes(locked)
    with Repo() as repo:
        repo.commit("train", force=True)
    printed = workspace.tool("track").out
    (run,) = runs(workspace.store)
    assert f"run {run.info.run_id} contains the results of train: lr=" in printed
    assert "test_accuracy" not in run.data.metrics
    (version,) = MlflowClient(workspace.store).search_model_versions(f"name = '{NAME}'")
    assert version.description.startswith("lr=")


@pytest.mark.end_to_end  # a second or more
@pytest.mark.parametrize(("file", "stages"), [(1, ("train", "evaluate")), (3, ("evaluate",))])
def test_a_changed_label_appears_in_dvc_lock_and_mlflow(
    workspace: Workspace, file: int, stages: tuple[str, ...]
) -> None:
    workspace.tool("track")
    epochs = Path("metrics/epochs.csv").read_bytes()
    path = Path(shutil.copytree("data/digits", "mirror")) / FILES[file]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert workspace.tool("data add", "digits", "mirror").status == 0
    workspace.run("download", *stages)
    workspace.tool("track")

    with Repo() as repo:
        changed = repo.params.diff("HEAD")["diff"]
    assert [*changed] == ["datasets.yaml"]
    assert [*changed["datasets.yaml"]] == [f"digits.{FILES[file]}.sha256"]
    assert hashlib.sha256(content).hexdigest() in Path("dvc.lock").read_text()
    assert (Path("metrics/epochs.csv").read_bytes() == epochs) == (file == 3)
    new, old = runs(workspace.store)
    before, after = (
        {entry.dataset.name: entry.dataset.digest for entry in run.inputs.dataset_inputs}
        for run in (old, new)
    )
    assert {name for name in after if after[name] != before[name]} == {
        "digits-training" if file == 1 else "digits-test"
    }
    assert (new.data.tags["dvc.data.md5"] == old.data.tags["dvc.data.md5"]) == (file == 3)
    loss = json.loads(Path("metrics/test.json").read_text())["loss"]
    assert new.data.metrics["test_loss"] == loss != old.data.metrics["test_loss"]


def test_track_reports_missing_inputs_in_one_line(workspace: Workspace) -> None:
    with workspace.monkeypatch.context() as away:
        away.setenv("MLFLOW_TRACKING_URI", NOWHERE)
        assert error(workspace.tool("track")).endswith("then run the command again.")
    locked = dvc_lock.PATH.read_bytes()
    dvc_lock.PATH.unlink()
    assert error(workspace.tool("track")) == "dvc.lock: not found. Run `dvc repro`."
    dvc_lock.PATH.write_bytes(locked)
    losses = Path("metrics/loss.csv")
    losses.unlink()
    message = "metrics/loss.csv: missing. Run `dvc checkout` or `dvc repro`."
    assert error(workspace.tool("track")) == message
    Path("models/softmax.safetensors").write_bytes(b"others")
    message = "models/softmax.safetensors: differs from dvc.lock. Run `dvc repro`."
    assert error(workspace.tool("track")) == message
    assert runs(workspace.store) == []


def test_a_deleted_experiment_gives_the_restore_command(workspace: Workspace) -> None:
    client = connect()
    client.delete_experiment(experiment(client, NAME))
    restore = "`mlflow experiments restore --experiment-id 1`"
    printed = workspace.stage("train")
    assert printed.status == 0
    assert f"experiment {NAME} was deleted. Run {restore}." in printed.err


@pytest.mark.parametrize("what", ["run", "version", "registered model", "logged model"])
def test_deleted_mlflow_entities_are_created_again(what: str, workspace: Workspace) -> None:
    workspace.tool("track")
    client = MlflowClient(workspace.store, workspace.store)
    (run,) = runs(workspace.store)
    (output,) = run.outputs.model_outputs
    delete: dict[str, Callable[[], object]] = {
        "run": lambda: client.delete_run(run.info.run_id),
        "version": lambda: client.delete_model_version(NAME, "1"),
        "registered model": lambda: client.delete_registered_model(NAME),
        "logged model": lambda: client.delete_logged_model(output.model_id),
    }
    delete[what]()
    workspace.tool("track")
    workspace.stage("train")
    for found in runs(workspace.store):
        assert found.info.status == "FINISHED"
        assert found.data.metrics["test_accuracy"] >= 0
        query = f"source_run_id = '{found.info.run_id}'"
        (model,) = client.search_logged_models([found.info.experiment_id], query)
        assert model.status == "READY"
        assert model.model_id in {output.model_id for output in found.outputs.model_outputs}
    assert client.search_model_versions(f"name = '{NAME}'")


@pytest.mark.end_to_end  # DVC saves an experiment
def test_history_logs_models_of_tags_branches_and_experiments(workspace: Workspace) -> None:
    """Expect each model once, and a message for each unreadable dvc.lock or uncached model."""

    def train(rate: float) -> None:
        workspace.set(train={"learning_rate": rate})
        workspace.run("train")

    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", NOWHERE)
    main = git(Path(), "branch", "--show-current").strip()
    train(0.1)
    with Repo() as repo:
        repo.experiments.save(name="experiment")
    git(Path(), "reset", "--quiet", "--hard")
    git(Path(), "checkout", "--quiet", "--detach")
    train(0.2)
    tagged = workspace.commit()
    git(Path(), "tag", "only-tagged")
    git(Path(), "checkout", "--quiet", "-b", "branch", main)
    train(0.3)
    workspace.commit()
    weights = dvc_lock.outputs(dvc_lock.load(), "train")[paths.WEIGHTS]
    dvc_lock.PATH.write_text(dvc_lock.PATH.read_text().replace(weights, "f" * 32))
    workspace.commit("Lose the weights")
    dvc_lock.PATH.write_text("<<<<<<< HEAD\n")
    workspace.commit("Commit a conflict")
    git(Path(), "checkout", "--quiet", main)
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", workspace.store)
    for _ in range(2):
        printed = workspace.tool("track", "--history")
        assert printed.status == 0
        assert printed.err.count("skipped commit ") == 2
        assert printed.err.count(": dvc.lock is corrupted\n") == 1
        assert printed.err.count("models/softmax.safetensors is not in DVC's cache") == 1
    found = {run.data.params["train.learning_rate"]: run.data for run in runs(workspace.store)}
    names = {rate: data.tags.get("DVC_EXP_NAME") for rate, data in found.items()}
    assert names == {"0.004": None, "0.1": "experiment", "0.2": None, "0.3": None}
    assert len(runs(workspace.store)) == len(names)
    assert found["0.2"].tags["mlflow.source.git.commit"] == tagged
    assert found["0.2"].tags["git.dirty"] == "false"
