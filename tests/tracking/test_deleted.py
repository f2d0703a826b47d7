"""What somebody deletes in MLflow: it comes back, or a line says how."""

from pathlib import Path

import pytest
from digits import write_lock
from old_fixtures import Workspace
from servers import empty_store
from tracking.rows import runs

from softmax.tracking.store import connect, experiment
from stages import evaluate, export, train
from tools import track


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
