"""`tools.track` adds what MLflow lacks of the model on disk, and nothing twice."""

import pytest
import yaml
from digits import write_lock
from mlflow import MlflowClient
from old_fixtures import Workspace
from tracking.rows import artifacts, runs

from softmax.pipeline import files, paths
from softmax.provenance import lock
from softmax.tracking.replay import BATCH_LOSS
from stages import evaluate, export, lesson, report, train
from tools import track


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
