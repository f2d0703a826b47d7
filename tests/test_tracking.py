"""The runs that the stages leave in a real MLflow store."""

import hashlib
import shutil
from pathlib import Path

import pytest
from conftest import Workspace
from mlflow import MlflowClient
from mlflow.entities import Run

from softmax import tracking
from stages import evaluate, export, track, train


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
    assert run.info.run_name == "sgd lr=0.001 b=2 e=2"
    assert run.info.end_time > run.info.start_time
    assert run.data.params["train.learning_rate"] == "0.001"
    assert run.data.params["download.dataset"] == "mnist"
    assert len(run.data.params) == 11
    assert run.data.tags["device"] == "cpu"
    assert {"test_accuracy", "test_loss", "validation_accuracy"} <= set(run.data.metrics)
    curve = MlflowClient(store).get_metric_history(run.info.run_id, "loss")
    assert [point.step for point in curve] == [100, 200, 325, 425]
    inputs = {(i.dataset.name, i.tags[0].value) for i in run.inputs.dataset_inputs}
    assert inputs == {("mnist-training", "training"), ("mnist-test", "test")}
    assert artifacts(store, run, "model") == {"model/softmax.safetensors"}
    assert "evaluation/predictions.csv" in artifacts(store, run, "evaluation")
    assert artifacts(store, run, "samples") == {"samples/3.svg", "samples/7.svg"}
    assert "weights/grid/gray.png" in artifacts(store, run, "weights/grid")


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
    monkeypatch.setattr(tracking, "log_training", lambda *_, **__: None)
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
    track.main()
    track.main()
    (run,) = runs(store)
    assert {"train_accuracy", "test_accuracy"} <= set(run.data.metrics)
    assert "weights/grid/gray.png" in artifacts(store, run, "weights/grid")


def test_a_dead_server_costs_one_warning_and_no_output(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace(train={"epochs": 1, "seed": 105})
    train.main()
    weights = Path("models/softmax.safetensors").read_bytes()
    shutil.rmtree("models")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    capsys.readouterr()
    train.main()
    assert Path("models/softmax.safetensors").read_bytes() == weights
    warning = capsys.readouterr().err
    assert warning.count("\n") == 1
    assert "`make track`" in warning


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
    track.main()
    (run,) = runs(store)
    assert "test_accuracy" in run.data.metrics


def test_a_replay_that_breaks_off_does_not_pass_for_the_run(
    workspace: Workspace, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace(train={"epochs": 1, "seed": 107})
    with monkeypatch.context() as broken:
        broken.setattr(MlflowClient, "log_inputs", lambda *_: 1 / 0)
        train.main()
    assert runs(store) == []
    evaluate.main()
    (run,) = runs(store)
    assert run.info.status == "FINISHED"
    assert {"train_accuracy", "test_accuracy"} <= set(run.data.metrics)


def test_replaying_adds_nothing(workspace: Workspace, store: str) -> None:
    workspace(train={"epochs": 1, "batch_size": 2, "seed": 108})
    for stage in (train, evaluate, export, track, track):
        stage.main()
    (run,) = runs(store)
    client = MlflowClient(store)
    for key, count in {"loss": 2, "train_loss": 1, "test_accuracy": 1}.items():
        assert len(client.get_metric_history(run.info.run_id, key)) == count
    assert run.inputs is not None
    assert len(run.inputs.dataset_inputs) == 2


def test_track_says_in_one_line_what_it_lacks(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace()
    with pytest.raises(SystemExit, match="2"):
        track.main()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(SystemExit, match="2"):
        track.main()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("error: ") for line in lines)
