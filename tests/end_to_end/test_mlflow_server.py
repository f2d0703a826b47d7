"""The stages against real MLflow servers on PostgreSQL: a bare one, and that of compose.yaml."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow
import pytest
import requests
import yaml
from helpers.rows import NAME, curves, rows
from helpers.shared import ROOT
from helpers.stores import STARTUP, serve
from helpers.workspace import MODEL, Workspace
from mlflow import MlflowClient
from mlflow.entities import Run
from sqlalchemy import make_url

from softmax.pipeline import files
from softmax.provenance import lock
from softmax.tracking import store, views
from softmax.tracking.replay import BATCH_LOSS
from tools import ui

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
VARIABLE = re.compile(r"\$\{\w+(?::\?[^}]*|:-([^}]*))\}")
PASSWORD = "a password for tests"  # noqa: S105


def assert_whole(uri: str, directory: Path) -> Run:
    """Return the only run of the weights in `directory`, which has all the stages made there."""
    client = MlflowClient(uri, uri)
    sha256 = files.sha256(directory / "models/softmax.safetensors")
    (run,) = (run for run in rows(uri) if run.data.tags["weights.sha256"] == sha256)
    assert run.info.status == "FINISHED"
    assert run.data.params["train.learning_rate"] == "0.004"
    assert {"train_accuracy", "test_accuracy", "test_loss"} <= set(run.data.metrics)
    assert [step for step, _ in curves(uri, run)[BATCH_LOSS]] == [100, 200]
    for artifact, fact in {
        "evaluation": "metrics/predictions.csv",
        "weights/grid": "images/weights/grid/gray.png",
    }.items():
        path = f"{artifact}/{Path(fact).name}"
        downloaded = Path(client.download_artifacts(run.info.run_id, path, str(directory)))
        assert downloaded.read_bytes() == (directory / fact).read_bytes()
    (output,) = run.outputs.model_outputs
    mlflow.set_tracking_uri(uri)
    model = mlflow.artifacts.download_artifacts(f"models:/{output.model_id}")
    weights = Path(model, "artifacts/softmax.safetensors").read_bytes()
    assert weights == (directory / "models/softmax.safetensors").read_bytes()
    (version,) = client.search_model_versions(f"run_id = '{run.info.run_id}'")
    assert version.tags["weights.sha256"] == sha256
    return run


def test_three_stages_make_one_row_that_has_everything_and_track_adds_nothing(
    workspace: Workspace, server: str
) -> None:
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    workspace.set(train={"seed": 201})
    lock.PATH.unlink()
    for stage in MODEL:
        assert workspace.stage(stage).err == ""
    before = assert_whole(server, workspace.directory)
    assert before.data.tags["device"] == "cpu"
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    workspace.run(*MODEL)  # which writes dvc.lock
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    assert workspace.tool("track").status == 0
    after = assert_whole(server, workspace.directory)
    assert (after.info.run_id, after.data.metrics) == (before.info.run_id, before.data.metrics)

    said = workspace.tool("ui", 5000).out
    experiment = MlflowClient(server).get_experiment_by_name(NAME)
    assert f"{server}/#/experiments/{experiment.experiment_id}/runs?" in said
    assert json.loads(experiment.tags[views.TAG])["selectedColumns"]
    assert ui.links_to("nobody-made-this", server) == server


def test_an_address_as_every_guide_writes_it(
    postgresql: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = postgresql("plain").replace("postgresql+psycopg2:", "postgresql:")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", plain)
    client = store.connect()
    experiment = store.experiment(client, "a-guide")
    assert client.get_experiment(experiment).name == "a-guide"


@pytest.fixture
def team(postgresql: Callable[[str], str], tmp_path: Path) -> Iterator[str]:
    """The URI of the server of compose.yaml as a local process, its artifacts in a directory."""
    directory = tmp_path / "team"
    directory.mkdir()
    service = COMPOSE["services"]["server"]
    command = shlex.split(service["command"])
    assert command[:2] == ["mlflow", "server"]
    config = directory / "auth.ini"
    config.write_text(COMPOSE["configs"]["auth"]["content"])
    environment = {
        key: VARIABLE.sub(lambda match: match[1] or PASSWORD, value)
        for key, value in service["environment"].items()
    } | {
        "MLFLOW_ARTIFACTS_DESTINATION": str(directory / "artifacts"),
        "MLFLOW_AUTH_CONFIG_PATH": str(config),
        "PGHOST": str(make_url(postgresql("mlflow")).query["host"]),
        "PGUSER": "postgres",
    }
    with serve(directory, *command[2:], **environment) as uri:
        yield uri


@pytest.mark.extended
def test_a_team_that_first_uses_its_server_at_once_loses_nothing(
    workspace: Workspace, team: str, tmp_path: Path
) -> None:
    """Each from a clone of their own, so that no lock on a file keeps them apart.

    They may take their time, which a busy machine needs.
    """
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", team)
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "a wrong password")
    lock.PATH.unlink()
    people = ["ada", "emmy", "grace"]
    for seed, name in enumerate(people, 203):
        requests.post(
            f"{team}/api/2.0/mlflow/users/create",
            json={"username": name, "password": PASSWORD},
            auth=("admin", PASSWORD),
            timeout=STARTUP,
        ).raise_for_status()
        workspace.set(train={"seed": seed})
        printed = workspace.stage("train")
        assert printed.status == 0
        assert "401" in printed.err
        shutil.copytree(".", tmp_path / name)
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    program = (
        "import mlflow; from softmax.tracking import recording;"
        "from stages import evaluate, export;"
        "recording.LIMIT = 600; print(flush=True); input(); evaluate.main(); export.main()"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=tmp_path / name,
            env={**os.environ, "MLFLOW_TRACKING_USERNAME": name},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in people
    ]
    for process in processes:
        assert process.stdout
        process.stdout.readline()
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate()[1] for process in processes] == [""] * 3
    experiments = MlflowClient(team).search_experiments()
    assert sorted(found.name for found in experiments) == ["Default", NAME]
    for name in people:
        assert_whole(team, tmp_path / name)
