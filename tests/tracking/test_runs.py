"""Test the content of the runs that stages log to a real MLflow store."""

import hashlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.clones import git
from helpers.runs import artifacts, curves, runs
from helpers.shared import ROOT
from helpers.workspace import MODEL, Workspace
from hypothesis import given
from hypothesis import strategies as st
from mlflow import MlflowClient
from PIL import Image

from softmax.analysis.images import gray, tiles
from softmax.analysis.trained_models import LECTURE, LESSON, differences
from softmax.core import model
from softmax.pipeline import datasets, dvc_lock, params, paths
from softmax.pipeline.params import Train
from softmax.tracking import recording, views
from softmax.tracking.sync import BATCH_LOSS


def test_train_evaluate_and_export_log_one_complete_run(workspace: Workspace) -> None:
    workspace.set(train={"epochs": 2, "validation": 50})
    assert workspace.run(*MODEL).err == ""
    store, client = workspace.store, MlflowClient(workspace.store)
    (run,) = runs(store)
    link = f"(/#/experiments/{run.info.experiment_id}/runs?workflowType=machine_learning&compare"
    experiment = client.get_experiment(run.info.experiment_id)
    assert link in experiment.tags["mlflow.note.content"]
    assert run.info.status == "FINISHED"
    assert next(iter(run.data.metrics)) != BATCH_LOSS  # MLflow's charts compare the first metric
    accuracy = run.data.metrics["test_accuracy"]
    assert run.info.run_name == f"{accuracy:.2%} · lr=0.004 batch=2 epochs=2 validation=50"
    note = run.data.tags["mlflow.note.content"]
    assert f"{accuracy:.2%}" in note
    assert f"path=weights/grid/gray.png&run_uuid={run.info.run_id}" in note
    assert run.info.end_time > run.info.start_time
    assert run.data.params["train.learning_rate"] == "0.004"
    assert run.data.params["download.dataset"] == "digits"
    assert run.data.tags["device"] == "cpu"
    assert run.data.tags["evaluate.samples"] == "[3, 7]"
    assert run.data.tags["export.scale"] == "2"
    assert "backfilled" not in run.data.tags
    assert {"test_accuracy", "test_loss", "validation_accuracy"} <= set(run.data.metrics)
    assert run.data.metrics[views.ERROR] == pytest.approx(100 - 100 * accuracy)
    steps = [225 * epoch + 22 * k for epoch in (0, 1) for k in range(1, 11)]
    assert [step for step, _ in curves(store, run)[BATCH_LOSS]] == steps
    (output,) = run.outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert {(metric.key, metric.dataset_name, metric.value) for metric in logged.metrics} == {
        (key, f"digits-{key.split('_')[0].replace('train', 'training')}", run.data.metrics[key])
        for key in run.data.metrics
        if key != BATCH_LOSS
    }
    images = artifacts(store, run, "images")
    assert {name.split("+")[2] for name in images} == {"0", "225", "450"}
    (first,) = (file for file in images if "+step+0+" in file and "png" in file)
    with Image.open(client.download_artifacts(run.info.run_id, first)) as shown:
        weights = gray(tiles(model.load(paths.WEIGHTS), (8, 8)))
        trained = views.contact_sheet(weights, [str(k) for k in range(10)])
        assert np.array_equal(np.asarray(shown), np.asarray(trained))
    assert logged.name == "lr=0·004 batch=2 epochs=2 validation=50"
    inputs = {
        (i.dataset.name, i.tags[0].value, json.loads(i.dataset.profile)["num_rows"])
        for i in run.inputs.dataset_inputs
    }
    counts = {"training": 500, "validation": 50, "test": 30}
    assert inputs == {(f"digits-{part}", part, count) for part, count in counts.items()}
    assert "evaluation/predictions.csv" in artifacts(store, run, "evaluation")
    assert artifacts(store, run, "samples") == {"samples/3.svg", "samples/7.svg"}
    assert "weights/grid/gray.png" in artifacts(store, run, "weights/grid")


@pytest.mark.parametrize("tiles", [(1000, 128, 384), (3, 1, 128), (3, 128, 1)])
def test_the_slider_image_is_bounded_for_any_tiles(tiles: tuple[int, int, int]) -> None:
    sheet = views.contact_sheet(np.zeros(tiles, np.uint8), ["the longest class name"] * tiles[0])
    assert max(sheet.size) < 1.2 * views.WIDEST


def test_the_table_of_runs_has_a_column_for_each_param_that_differs() -> None:
    runs = [{"train.seed": k, "train.learning_rate": k, "train.epochs": "5"} for k in "12"]
    view = json.loads(views.table(runs))
    params = [name for name in view["selectedColumns"] if name.startswith("params")]
    assert params == ["params.`train.learning_rate`", "params.`train.seed`"]
    assert params == [f"params.`{k}`" for k in view["compareRunCharts"][0]["selectedParams"]]
    lecture = yaml.safe_load((ROOT / "tests/lecture.yaml").read_text())
    assert (lecture["train"], lecture["lesson"]) == (LECTURE, LESSON)


KINDS: dict[Any, Any] = {int: st.integers(0), float: st.floats(0.001, 0.0010001)}
WORDS = st.sampled_from(["sgd", "adam", "constant", "cosine"])
TRAIN = st.fixed_dictionaries({key: KINDS.get(type(x), WORDS) for key, x in LECTURE.items()})


@given(TRAIN, TRAIN, st.sampled_from([*LECTURE]))
def test_models_share_a_name_only_if_all_hyperparameters_are_equal(
    one: dict[str, Any], another: dict[str, Any], key: str
) -> None:
    models = [Train.model_construct(**values) for values in (one, one | {key: another[key]})]
    assert (differences(models[:1]) == differences(models[1:])) == (models[0] == models[1])


def test_a_run_records_the_start_and_end_of_the_training(workspace: Workspace) -> None:
    recording.log("train", params.load(), started=1e9, ended=1e9 + 7)
    (run,) = runs(workspace.store)
    assert (run.info.start_time, run.info.end_time) == (10**12, 10**12 + 7000)


def test_downloads_are_verified_and_logged_to_a_separate_experiment(workspace: Workspace) -> None:
    before = workspace.contents()
    shutil.move("data/digits", "mirror")
    workspace.monkeypatch.setenv("MNIST_MIRROR", "mirror")
    for source in ("DVC's cache", "mirror"):
        output = workspace.stage("download").out
        assert output == f"download: digits from {source}, 4 files verified\n"
        assert workspace.contents() == before
        run, *_ = runs(workspace.store, "downloads")
        assert (run.info.run_name, run.data.tags["source"]) == ("digits", source)
        assert run.info.status == "FINISHED"
        shutil.rmtree("data/digits")
        shutil.rmtree(".dvc/cache", ignore_errors=True)
    assert runs(workspace.store) == []


def test_the_lesson_logs_its_own_runs(workspace: Workspace) -> None:
    start = time.time()
    workspace.stage("lesson")
    workspace.stage("lesson")
    run, older = runs(workspace.store, "softmax-lesson")
    assert run.info.status == "FINISHED"
    assert start * 1000 - 1 <= older.info.start_time < older.info.end_time
    values = yaml.safe_load(Path("params.yaml").read_text())["lesson"]
    assert run.data.params == {f"lesson.{key}": str(value) for key, value in values.items()}
    sha256 = hashlib.sha256(Path("models/lesson.safetensors").read_bytes()).hexdigest()
    assert run.data.tags["weights.sha256"] == sha256
    epochs = pd.read_csv("metrics/lesson.csv")
    assert set(run.data.metrics) == {"train_loss", "train_accuracy"}
    for key, curve in curves(workspace.store, run).items():
        assert curve == list(enumerate(epochs[key], start=1))
    for directory, names in {
        "model": {"lesson.safetensors"},
        "tables": {"lesson.json", "lesson_points.csv", "lesson_examples.csv"},
        "figures": {"regions.svg", "probabilities.svg"},
    }.items():
        found = artifacts(workspace.store, run, directory)
        assert found == {f"{directory}/{name}" for name in names}


def test_tags_distinguish_changes_of_data_and_code(workspace: Workspace) -> None:
    workspace.tool("track")
    (before,) = runs(workspace.store)
    content = yaml.safe_load(dvc_lock.PATH.read_text())
    deps = {dep["path"]: dep for dep in content["stages"]["train"]["deps"]}
    md5 = " ".join(deps[str(path)]["md5"] for path in datasets.training_files("digits"))
    deps["softmax/core"]["md5"] = "0" * 32
    dvc_lock.PATH.write_text(yaml.safe_dump(content))
    workspace.tool("track")
    (after,) = runs(workspace.store)
    assert before.data.tags["dvc.data.md5"] == after.data.tags["dvc.data.md5"] == md5
    assert before.data.tags["dvc.code.md5"] != after.data.tags["dvc.code.md5"]


def test_a_run_records_its_commit_and_uncommitted_changes(workspace: Workspace) -> None:
    """Change outputs of the pipeline, which do not count as uncommitted changes."""
    workspace.set(train={"seed": 3})
    git(Path(), "commit", "--quiet", "--all", "--message", "Choose a seed")
    workspace.monkeypatch.setenv("DVC_EXP_NAME", "a-name")
    workspace.run("train")
    assert git(Path(), "status", "--porcelain", "dvc.lock", "metrics") != ""
    workspace.set(train={"seed": 4})
    workspace.stage("train")
    head = git(Path(), "rev-parse", "HEAD").strip()
    Path(".git").rename("elsewhere")
    assert workspace.stage("train").err == ""  # the stage needs no repository
    tags = [run.data.tags for run in reversed(runs(workspace.store))]
    assert [found.get("git.dirty") for found in tags] == ["false", "true", None]
    assert [found.get("mlflow.source.git.commit") for found in tags] == [head, head, None]
    assert {found["DVC_EXP_NAME"] for found in tags} == {"a-name"}
