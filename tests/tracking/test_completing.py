"""One row for each training, which later stages complete."""

import zlib

import pytest
from digits import write_lock
from mlflow import MlflowClient
from old_fixtures import Workspace
from tracking.rows import artifacts, runs

from softmax.tracking import recording
from softmax.tracking.replay import BATCH_LOSS
from stages import evaluate, export, train


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
