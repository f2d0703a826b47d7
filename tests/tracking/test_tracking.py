"""The runs that the stages leave in a real MLflow store."""

import hashlib
import json
import shutil
import socket
import subprocess
import time
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import Workspace
from digits import write_lock
from mlflow import MlflowClient
from mlflow.entities import Run
from PIL import Image
from servers import empty_store
from shared import ROOT, forking

from softmax.core import model
from softmax.pipeline import catalog, files, params, paths
from softmax.provenance import lock
from softmax.results.images import gray
from softmax.tracking import events, recording, slider
from softmax.tracking.replay import BATCH_LOSS, BY_CLASS
from softmax.tracking.store import connect, experiment
from stages import download, evaluate, export, lesson, report, train
from tools import track


def runs(store: str) -> list[Run]:
    """The runs of the weights on disk, newest first."""
    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("softmax-mnist")
    assert experiment is not None
    sha256 = hashlib.sha256(Path("models/softmax.safetensors").read_bytes()).hexdigest()
    return list(
        client.search_runs([experiment.experiment_id], f"tags.`weights.sha256` = '{sha256}'")
    )


def artifacts(store: str, run: Run, folder: str = "") -> set[str]:
    """The paths of the artifacts of `run` in `folder`."""
    return {file.path for file in MlflowClient(store).list_artifacts(run.info.run_id, folder)}


def test_three_stages_make_one_row_that_has_everything(workspace: Workspace, store: str) -> None:
    workspace(train={"epochs": 2, "batch_size": 2, "seed": 101, "validation": 50})
    for stage in (train, evaluate, export):
        stage.main()
    (run,) = runs(store)
    assert run.info.status == "FINISHED"
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
        trained = slider.picture(gray(model.load(paths.WEIGHTS)[:, :-1]))
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


def test_a_deleted_experiment_says_how_to_restore_it(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = workspace(train={"epochs": 1, "seed": 115})
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    client = connect()
    client.delete_experiment(experiment(client, "softmax-mnist"))
    train.main()
    restore = "`mlflow experiments restore --experiment-id 1`"
    assert f"experiment softmax-mnist was deleted; {restore}" in capsys.readouterr().err


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


def test_the_page_is_with_its_model(
    workspace: Workspace, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where only dvc.lock tells of it."""
    workspace(train={"epochs": 1, "seed": 113})
    for stage in (train, evaluate, export, lesson):
        stage.main()
    with monkeypatch.context() as away:
        away.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        report.main()
    assert artifacts(store, runs(store)[0], "report") == set()
    content = write_lock()
    read, made = (
        {"path": str(path), "md5": files.md5(path)} for path in (paths.WEIGHTS, paths.REPORT)
    )
    content["stages"]["report"] = {"deps": [read], "outs": [made]}
    lock.PATH.write_text(yaml.safe_dump(content))
    track.main()
    (run,) = runs(store)
    assert artifacts(store, run, "report") == {"report/index.html"}
    report.main()
    assert len(runs(store)) == 1


def test_training_again_adds_a_row_and_evaluation_goes_to_the_newest(
    workspace: Workspace, store: str
) -> None:
    workspace(train={"epochs": 1, "seed": 102})
    train.main()
    train.main()
    evaluate.main()
    newest, older = runs(store)
    assert newest.info.start_time > older.info.start_time
    assert "test_accuracy" in newest.data.metrics
    assert "test_accuracy" not in older.data.metrics


def test_evaluation_makes_the_run_where_there_is_none(
    workspace: Workspace, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace(train={"epochs": 1, "seed": 103})
    monkeypatch.setitem(recording.EVENTS, "training", lambda *_, **__: None)
    train.main()
    assert runs(store) == []
    evaluate.main()
    (run,) = runs(store)
    assert {"train_accuracy", "test_accuracy"} <= set(run.data.metrics)
    assert run.data.tags["backfilled"] == "true"


def test_track_adds_the_run_once(
    workspace: Workspace, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace(train={"epochs": 1, "seed": 104})
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nothing listens there
    for stage in (train, evaluate, export):
        stage.main()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    assert runs(store) == []
    write_lock()
    track.main()
    track.main()
    (run,) = runs(store)
    assert {"train_accuracy", "test_accuracy"} <= set(run.data.metrics)
    assert "weights/grid/gray.png" in artifacts(store, run, "weights/grid")


@pytest.fixture(params=["refuses", "is silent", "is broken"])
def dead_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URI of a server that refuses, accepts and never answers, or answers 500."""
    if request.param == "is broken":
        with ThreadingHTTPServer(("127.0.0.1", 0), BrokenServer) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()
        return
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if request.param == "is silent":
            listener.listen()
        yield "http://127.0.0.1:{1}".format(*listener.getsockname())


class BrokenServer(BaseHTTPRequestHandler):
    """Answers 500 to everything."""

    def do_GET(self) -> None:
        self.send_error(500)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Quietly."""


def test_a_dead_server_costs_seconds_one_warning_and_no_output(
    workspace: Workspace,
    dead_server: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workspace(train={"epochs": 1, "seed": 105})
    train.main()
    weights = Path("models/softmax.safetensors").read_bytes()
    shutil.rmtree("models")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", dead_server)
    capsys.readouterr()
    start = time.perf_counter()
    train.main()

    assert time.perf_counter() - start < 10
    assert Path("models/softmax.safetensors").read_bytes() == weights
    warning = capsys.readouterr().err
    assert warning.count("\n") == 1
    assert "`make track`" in warning


def test_without_a_server_the_lesson_names_the_stage_to_run_again(
    workspace: Workspace,
    dead_server: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workspace(lesson={"points": 7, "epochs": 1})
    monkeypatch.setenv("MLFLOW_TRACKING_URI", dead_server)
    lesson.main()
    assert Path("metrics/lesson.json").exists()
    warning = capsys.readouterr().err
    assert warning.count("\n") == 1
    assert "`dvc repro --force --single-item lesson`" in warning


def test_track_completes_a_run_that_the_evaluation_did_not_reach(
    workspace: Workspace, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace(train={"epochs": 1, "seed": 106})
    train.main()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    evaluate.main()
    export.main()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    assert "test_accuracy" not in runs(store)[0].data.metrics
    write_lock()
    track.main()
    (run,) = runs(store)
    assert "test_accuracy" in run.data.metrics


@pytest.mark.parametrize(
    "request_",
    [
        "log_inputs",
        "log_batch",
        "log_model_artifacts",
        "log_outputs",
        "finalize_logged_model",
        "create_registered_model",
        "create_model_version",
        "set_terminated",
    ],
)
def test_a_run_that_broke_off_is_completed(
    workspace: Workspace, store: str, monkeypatch: pytest.MonkeyPatch, request_: str
) -> None:
    workspace(train={"epochs": 2, "batch_size": 2, "seed": zlib.crc32(request_.encode())})
    with monkeypatch.context() as broken:
        broken.setattr(MlflowClient, request_, lambda *_, **__: 1 / 0)
        train.main()
    (unfinished,) = runs(store)
    assert unfinished.info.status == "RUNNING"
    for stage in (evaluate, export):
        stage.main()
    (run,) = runs(store)
    client = MlflowClient(store)
    assert (run.info.run_id, run.info.status) == (unfinished.info.run_id, "FINISHED")
    assert {"train_accuracy", "test_accuracy"} <= set(run.data.metrics)
    assert len(client.get_metric_history(run.info.run_id, BATCH_LOSS)) == 4
    (model,) = client.search_logged_models(
        [run.info.experiment_id], f"source_run_id = '{run.info.run_id}'"
    )
    assert model.status == "READY"
    assert len(client.search_model_versions(f"run_id = '{run.info.run_id}'")) == 1


def test_replaying_adds_nothing(workspace: Workspace, store: str) -> None:
    workspace(train={"epochs": 1, "batch_size": 2, "seed": 108})
    for stage in (train, evaluate, export):
        stage.main()
    write_lock()
    for _ in range(2):
        track.main()
    (run,) = runs(store)
    client = MlflowClient(store)
    for key, count in {BATCH_LOSS: 2, "train_loss": 1, "test_accuracy": 1}.items():
        assert len(client.get_metric_history(run.info.run_id, key)) == count
    assert run.inputs is not None
    assert len(run.inputs.dataset_inputs) == 2
    (output,) = run.outputs.model_outputs
    assert type(output.step) is int  # another type is stored as a blob that no server can send
    assert len(artifacts(store, run, "images")) == 4
    assert len(client.search_model_versions(f"run_id = '{run.info.run_id}'")) == 1


def test_track_says_in_one_line_what_it_lacks(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace(train={"epochs": 1, "seed": 109})
    with pytest.raises(SystemExit, match="2"):
        track.main()
    assert capsys.readouterr().err == "error: dvc.lock: not found; run `dvc repro`\n"
    for stage in (train, evaluate, export):
        stage.main()
    write_lock()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(SystemExit, match="2"):
        track.main()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    workspace(train={"epochs": 1, "seed": 110})
    train.main()
    with pytest.raises(SystemExit, match="2"):
        track.main()
    assert "not the weights of dvc.lock; run `dvc repro`" in capsys.readouterr().err


def test_a_row_has_the_results_that_dvc_will_not_compute_again(
    workspace: Workspace, store: str
) -> None:
    """Training again gives the same weights, for which evaluate and export do not run."""
    workspace(train={"epochs": 1, "seed": 111})
    for stage in (train, evaluate, export):
        stage.main()
    write_lock()
    train.main()
    newest, _ = runs(store)
    assert "test_accuracy" in newest.data.metrics
    assert "weights/grid/gray.png" in artifacts(store, newest, "weights/grid")


def test_track_adds_a_model_that_was_only_trained(
    workspace: Workspace, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As its warning promises where the server was away, though dvc.lock has other stages."""
    workspace(train={"epochs": 1, "seed": 116})
    train.main()
    write_lock()
    track.main()
    (run,) = runs(store)
    assert f"run {run.info.run_id} has the facts of train: sgd " in capsys.readouterr().out


@pytest.mark.slow
def test_first_use_by_several_processes_makes_one_experiment(tmp_path: Path) -> None:
    """MLflow's own migration of a fresh store breaks it for good if two run at once."""
    program = """if True:
        from softmax.tracking import store
        print(store.experiment(store.connect(), "softmax-mnist"))
    """
    environment = forking() | {"PYTHONPATH": str(ROOT)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    command = ["python", "-c", program]
    processes = [
        subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]

    assert {process.communicate()[0] for process in processes} == {"1\n"}


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


@pytest.mark.parametrize("what", ["run", "version", "registered model", "logged model"])
def test_what_somebody_deletes_comes_back(
    what: str, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace(train={"epochs": 1, "seed": 118})
    uri = empty_store(tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    for stage in (train, evaluate, export):
        stage.main()
    write_lock()
    client = connect()
    (run,) = runs(uri)
    (output,) = run.outputs.model_outputs
    (version,) = client.search_model_versions(f"run_id = '{run.info.run_id}'")
    delete = {
        "run": lambda: client.delete_run(run.info.run_id),
        "version": lambda: client.delete_model_version("softmax-mnist", version.version),
        "registered model": lambda: client.delete_registered_model("softmax-mnist"),
        "logged model": lambda: client.delete_logged_model(output.model_id),
    }
    delete[what]()
    track.main()
    train.main()
    for row in runs(uri):
        assert row.info.status == "FINISHED"
        assert row.data.metrics["test_accuracy"] >= 0
        here = f"source_run_id = '{row.info.run_id}'"
        (model,) = client.search_logged_models([row.info.experiment_id], here)
        assert model.status == "READY"
        assert model.model_id in {output.model_id for output in row.outputs.model_outputs}
    assert client.search_model_versions("name = 'softmax-mnist'")
