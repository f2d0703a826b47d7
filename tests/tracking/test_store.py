"""Test the location of the MLflow store, for any directory name and environment variables."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import Timeout
from helpers.runs import NAME
from helpers.stores import NOWHERE, empty_store
from helpers.workspace import Workspace
from mlflow import MlflowClient

from softmax.errors import TrackingError
from softmax.tracking import store

URIS = {  # the URI in the root of the repository, and in the directory of an experiment
    "": ("sqlite:///mlflow.db", "sqlite:///../../mlflow.db"),
    "sqlite:///mine.db": ("sqlite:///mine.db", "sqlite:///../../mine.db"),
    "SQLite:////mine.db": ("sqlite:////mine.db", "sqlite:////mine.db"),
    "HTTP://host:5000": ("http://host:5000", "http://host:5000"),
    "postgres://host/db": ("postgresql+psycopg2://host/db",) * 2,
    "databricks": ("databricks", "databricks"),
}


@pytest.mark.parametrize("given", URIS)
def test_the_address_of_a_store_does_not_depend_on_the_directory(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", given)
    monkeypatch.chdir(tmp_path)
    assert store.uri() == URIS[given][0]
    (tmp_path / "tmp/experiment").mkdir(parents=True)
    monkeypatch.chdir("tmp/experiment")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    assert store.uri() == URIS[given][1]
    assert store.is_served(store.uri()) == given.startswith("HTTP")
    assert store.exists() == ("sqlite" not in store.uri())  # no database file exists yet


def test_only_one_process_at_a_time_opens_a_store(workspace: Workspace) -> None:
    """Two concurrent migrations by MLflow would corrupt a new store permanently."""
    workspace.monkeypatch.setattr(store, "LOCK_TIMEOUT", 0.01)
    with store.lock(), pytest.raises(Timeout):
        store.connect()
    store.connect()


@pytest.mark.parametrize("move", [shutil.move, shutil.copytree])
def test_a_moved_or_copied_store_is_not_changed(
    move: Callable[[Path, Path], object], workspace: Workspace, tmp_path: Path
) -> None:
    workspace.run("train")
    moved = tmp_path / "moved"
    move(workspace.directory, moved)
    workspace.monkeypatch.chdir(moved)
    workspace.monkeypatch.delenv("MLFLOW_TRACKING_URI")
    client = MlflowClient(f"sqlite:///{moved / 'mlflow.db'}")
    with pytest.raises(TrackingError, match="`python -m softmax track --history`"):
        store.experiment(client, NAME)


def test_artifacts_in_a_bucket_stay_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    client = MlflowClient(empty_store(tmp_path / "mlflow.db"))
    made = client.create_experiment("softmax-other", "s3://bucket/softmax-other")
    assert store.experiment(client, "softmax-other") == made


def test_environment_variables_of_mlflow_runs_are_ignored(workspace: Workspace) -> None:
    for key, value in {
        "MLFLOW_ENABLE_ASYNC_LOGGING": "true",
        "MLFLOW_RUN_ID": "0" * 32,
        "MLFLOW_EXPERIMENT_ID": "77",
        "MLFLOW_EXPERIMENT_NAME": "somebody-else",
        "MLFLOW_REGISTRY_URI": NOWHERE,
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "7",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "11",
    }.items():
        workspace.monkeypatch.setenv(key, value)
    assert workspace.stage("train").err == ""
    assert "MLFLOW_RUN_ID" not in os.environ
    assert os.environ["MLFLOW_ENABLE_ASYNC_LOGGING"] == "false"
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "0"
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "11"  # a team may set this variable
    client = MlflowClient(workspace.store, workspace.store)
    assert client.get_experiment_by_name("somebody-else") is None
    assert client.search_model_versions(f"name='{NAME}'")
