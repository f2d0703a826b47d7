"""What the rows say that the stages leave in a real MLflow store."""

import hashlib
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from digits import write_lock
from mlflow import MlflowClient
from old_fixtures import Workspace
from PIL import Image
from tracking.rows import artifacts, runs

from softmax.core import model
from softmax.pipeline import catalog, params, paths
from softmax.provenance import lock
from softmax.results.images import gray, tiles
from softmax.tracking import events, slider
from softmax.tracking.replay import BATCH_LOSS, BY_CLASS
from softmax.tracking.store import connect
from stages import download, evaluate, export, lesson, train
from tools import track


def test_three_stages_make_one_row_that_has_everything(workspace: Workspace, store: str) -> None:
    workspace(train={"epochs": 2, "batch_size": 2, "seed": 101, "validation": 50})
    for stage in (train, evaluate, export):
        stage.main()
    (run,) = runs(store)
    assert run.info.status == "FINISHED"
    assert next(iter(run.data.metrics)) != BATCH_LOSS  # by which MLflow would compare
    accuracy = run.data.metrics["test_accuracy"]
    assert run.info.run_name == f"{accuracy:.2%} · sgd lr=0.001 b=2 e=2"
    note = run.data.tags["mlflow.note.content"]
    assert f"{accuracy:.2%}" in note
    assert f"path=weights/grid/gray.png&run_uuid={run.info.run_id}" in note
    assert note.count("\n|") == 12
    assert run.info.end_time > run.info.start_time
    assert run.data.params["train.learning_rate"] == "0.001"
    assert run.data.params["download.dataset"] == "mnist"
    assert len(run.data.params) == 11
    assert run.data.tags["device"] == "cpu"
    assert run.data.tags["evaluate.samples"] == "[3, 7]"
    assert run.data.tags["export.scale"] == "10"
    assert {"test_accuracy", "test_loss", "validation_accuracy"} <= set(run.data.metrics)
    assert run.data.metrics["test_error"] == pytest.approx(1 - accuracy)
    curve = MlflowClient(store).get_metric_history(run.info.run_id, BATCH_LOSS)
    assert [point.step for point in curve] == [100, 200, 325, 425]
    (output,) = run.outputs.model_outputs
    logged = MlflowClient(store).get_logged_model(output.model_id)
    assert {(metric.key, metric.dataset_name, metric.value) for metric in logged.metrics} == {
        (key, f"mnist-{key.split('_')[0].replace('train', 'training')}", run.data.metrics[key])
        for key in run.data.metrics
        if key != BATCH_LOSS
    }
    images = artifacts(store, run, "images")
    assert {name.split("+")[2] for name in images} == {"0", "225", "450"}
    assert logged.name == "sgd lr=0·001 b=2 e=2"
    inputs = {
        (i.dataset.name, i.tags[0].value, json.loads(i.dataset.profile)["num_rows"])
        for i in run.inputs.dataset_inputs
    }
    counts = {"training": 500, "validation": 50, "test": 30}
    assert inputs == {(f"mnist-{part}", part, count) for part, count in counts.items()}
    assert "evaluation/predictions.csv" in artifacts(store, run, "evaluation")
    assert artifacts(store, run, "samples") == {"samples/3.svg", "samples/7.svg"}
    assert "weights/grid/gray.png" in artifacts(store, run, "weights/grid")


def test_mlflows_views_show_each_class_and_first_the_trained_weights(
    workspace: Workspace, store: str
) -> None:
    workspace(train={"epochs": 1, "batch_size": 2, "seed": 120})
    for stage in (train, evaluate, export, evaluate, export):
        stage.main()
    (run,) = runs(store)
    client = MlflowClient(store)
    table = client.load_table(run.info.experiment_id, BY_CLASS, [run.info.run_id])
    answers = pd.read_csv(paths.PREDICTIONS)
    assert table["class"].tolist() == list(range(10))
    assert table["images"].tolist() == [3] * 10
    assert table["right"].sum() == (answers["label"] == answers["prediction"]).sum()
    assert table["recall"].tolist() == pytest.approx(table["right"] / table["images"])
    (first,) = (
        file for file in artifacts(store, run, "images") if "+step+0+" in file and "png" in file
    )
    with Image.open(client.download_artifacts(run.info.run_id, first)) as shown:
        assert 0.95 < shown.width / shown.height < 1.05
        weights = tiles(model.load(paths.WEIGHTS), (28, 28))
        trained = slider.picture(gray(weights), [str(k) for k in range(10)])
        assert np.array_equal(np.asarray(shown), np.asarray(trained))


def test_the_duration_is_that_of_the_training(workspace: Workspace, store: str) -> None:
    workspace(train={"epochs": 1, "seed": 114})
    train.main()
    settings, client = params.load(), connect()
    events.log_training(client, settings, started=1e9, ended=1e9 + 7, device="tpu", workers=3)
    oldest = runs(store)[-1]
    assert (oldest.info.start_time, oldest.info.end_time) == (10**12, 10**12 + 7000)
    assert (oldest.data.tags["device"], oldest.data.tags["workers"]) == ("tpu", "3")


def test_downloads_are_kept_out_of_the_table(
    workspace: Workspace, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = workspace() / catalog.directory("mnist")
    monkeypatch.setenv("MNIST_MIRROR", str(folder))
    download.main()
    client = MlflowClient(store)
    (experiment,) = client.search_experiments(filter_string="name = 'downloads'")
    run = client.search_runs([experiment.experiment_id])[0]
    assert (run.info.run_name, run.data.tags["source"]) == ("mnist", str(folder))


def test_the_lesson_makes_rows_of_its_own(workspace: Workspace, store: str) -> None:
    workspace(lesson={"points": 7, "epochs": 3})
    start = time.time()
    lesson.main()
    lesson.main()
    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("softmax-lesson")
    assert experiment is not None
    run, older = client.search_runs([experiment.experiment_id], max_results=2)
    assert run.info.status == older.info.status == "FINISHED"
    assert start * 1000 - 1 <= older.info.start_time < older.info.end_time
    assert older.info.end_time <= run.info.start_time + 1
    values = yaml.safe_load(Path("params.yaml").read_text())["lesson"]
    assert run.data.params == {f"lesson.{key}": str(value) for key, value in values.items()}
    sha256 = hashlib.sha256(Path("models/lesson.safetensors").read_bytes()).hexdigest()
    assert run.data.tags["weights.sha256"] == sha256
    epochs = pd.read_csv("metrics/lesson.csv")
    assert set(run.data.metrics) == {"train_loss", "train_accuracy"}
    for key in ("train_loss", "train_accuracy"):
        curve = client.get_metric_history(run.info.run_id, key)
        assert [(m.step, m.value) for m in curve] == list(enumerate(epochs[key], start=1))
    assert artifacts(store, run, "model") == {"model/lesson.safetensors"}
    assert artifacts(store, run, "tables") == {
        "tables/lesson.json",
        "tables/lesson_points.csv",
        "tables/lesson_examples.csv",
    }
    assert artifacts(store, run, "figures") == {"figures/regions.svg", "figures/probabilities.svg"}


def test_tags_tell_data_and_code_apart(workspace: Workspace, store: str) -> None:
    workspace(train={"epochs": 1, "seed": 112})
    for stage in (train, evaluate, export):
        stage.main()
    content = write_lock()
    track.main()
    (run,) = runs(store)
    deps = {dep["path"]: dep["md5"] for dep in content["stages"]["train"]["deps"]}
    images, labels = (deps[str(path)] for path in catalog.training_files("mnist"))
    assert run.data.tags["dvc.data.md5"] == f"{images} {labels}"
    code = run.data.tags["dvc.code.md5"]
    for dep in content["stages"]["train"]["deps"]:
        if dep["path"] == "softmax/core":
            dep["md5"] = "0" * 32
    lock.PATH.write_text(yaml.safe_dump(content))
    track.main()
    (run,) = runs(store)
    assert run.data.tags["dvc.data.md5"] == f"{images} {labels}"
    assert run.data.tags["dvc.code.md5"] != code


def test_an_experiment_leads_to_its_comparison(workspace: Workspace, store: str) -> None:
    workspace(train={"epochs": 1, "seed": 119})
    train.main()
    found = MlflowClient(store).get_experiment_by_name("softmax-mnist")
    assert found is not None
    link = f"(/#/experiments/{found.experiment_id}/runs?workflowType=machine_learning&compare"
    assert link in found.tags["mlflow.note.content"]
    (version, *_) = MlflowClient(store).search_model_versions("name = 'softmax-mnist'")
    assert version.description.startswith("sgd lr=")
