"""MLflow as people run it: a server on PostgreSQL, that of compose.yaml, the UI, a served model."""

import os
import re
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests
import yaml
from helpers.rows import NAME, content, rows
from helpers.shared import ROOT
from helpers.stores import STARTUP, empty_store, free_port, serve, wait_for
from helpers.workspace import MODEL, Workspace
from mlflow import MlflowClient
from playwright.sync_api import Browser, expect
from sqlalchemy import make_url

from softmax.cli import ui
from softmax.core import data
from softmax.errors import TrackingError
from softmax.pipeline import catalog, paths
from softmax.provenance import lock
from softmax.tracking import store, views

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
VARIABLE = re.compile(r"\$\{\w+(?::\?[^}]*|:-([^}]*))\}")
PASSWORD = "a password for tests"  # noqa: S105
BIN = Path(sys.executable).parent


@contextmanager
def started(
    command: list[str], health: str, log: Path, **environment: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a server until it answers, and longer; nothing of it is left afterwards."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, "PATH": path, **environment},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        wait_for(health, process, log)
        yield process
    finally:
        with suppress(ProcessLookupError):  # it has ended
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_row_on_a_server_has_everything(workspace: Workspace, server: str) -> None:
    """As in a store of this machine; and `softmax track` adds nothing."""
    workspace.set(train={"seed": 201})
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", workspace.store)
    workspace.run(*MODEL)
    workspace.tool("track")
    locked, expected = lock.PATH.read_bytes(), content(workspace.store)
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    lock.PATH.unlink()
    assert [workspace.stage(stage).err for stage in (*MODEL, "report")] == [""] * 4
    assert content(server) == expected
    lock.PATH.write_bytes(locked)
    assert workspace.tool("track").status == 0
    assert content(server) == expected
    client, (run, *_) = MlflowClient(server), rows(server)
    answers = client.download_artifacts(run.info.run_id, "evaluation/predictions.csv")
    assert Path(answers).read_bytes() == paths.PREDICTIONS.read_bytes()

    said = workspace.tool("ui", 5000).out
    assert f"{server}/#/experiments/{run.info.experiment_id}/runs?" in said
    assert "selectedColumns" in client.get_experiment(run.info.experiment_id).tags[views.TAG]
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
    service = COMPOSE["services"]["server"]
    command = shlex.split(service["command"])
    assert command[:2] == ["mlflow", "server"]
    config = tmp_path / "auth.ini"
    config.write_text(COMPOSE["configs"]["auth"]["content"])
    environment = {
        key: VARIABLE.sub(lambda match: match[1] or PASSWORD, value)
        for key, value in service["environment"].items()
    } | {
        "MLFLOW_ARTIFACTS_DESTINATION": str(tmp_path / "artifacts"),
        "MLFLOW_AUTH_CONFIG_PATH": str(config),
        "PGHOST": str(make_url(postgresql("mlflow")).query["host"]),
        "PGUSER": "postgres",
    }
    with serve(tmp_path, *command[2:], **environment) as uri:
        yield uri


@pytest.mark.extended
def test_a_team_that_first_uses_its_server_at_once_loses_nothing(
    workspace: Workspace, team: str, tmp_path: Path
) -> None:
    """Each from a clone of their own, so that no lock on a file keeps them apart.

    They may take their time, which a busy machine needs. Before, they have a wrong password.
    """
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", team)
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "a wrong password")
    people, users = ["ada", "emmy", "grace"], f"{team}/api/2.0/mlflow/users/create"
    lock.PATH.unlink()
    for seed, name in enumerate(people, 203):
        user, admin = {"username": name, "password": PASSWORD}, ("admin", PASSWORD)
        requests.post(users, json=user, auth=admin, timeout=STARTUP).raise_for_status()
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
        workspace.monkeypatch.chdir(tmp_path / name)
        own = empty_store(Path("own.db").absolute())
        with workspace.monkeypatch.context() as here:
            here.setenv("MLFLOW_TRACKING_URI", own)
            assert [workspace.stage(stage).err for stage in ("evaluate", "export")] == [""] * 2
        assert content(team) == content(own)


def test_the_ui_shows_the_runs_side_by_side_until_the_command_ends(
    workspace: Workspace, browser: Browser, tmp_path: Path
) -> None:
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", workspace.store)
    lock.PATH.unlink()
    for seed in (1, 2):
        workspace.set(train={"seed": seed})
        assert [workspace.stage(stage).err for stage in ("train", "evaluate")] == ["", ""]
    workspace.monkeypatch.delenv("MLFLOW_TRACKING_URI")
    port, log = free_port(), tmp_path / "log"
    command = [sys.executable, "-m", "softmax", "ui", "--port", str(port)]
    with started(command, f"http://127.0.0.1:{port}/health", log, PYTHONPATH=str(ROOT)) as process:
        while len(said := log.read_text().splitlines()) < 3:
            assert process.poll() is None
        links = dict(line.split() for line in said[:2])
        assert said[2:] == ["Ctrl-C ends it"]
        context = browser.new_context(viewport={"width": 1500, "height": 900})
        for name, texts in {
            "charts": ("2 matching runs", "test_accuracy"),
            "table": ("2 matching runs", "test_accuracy", "train.seed"),
        }.items():
            page = context.new_page()
            page.goto(links[name])
            for shown in texts:
                expect(page.get_by_text(shown).first).to_be_visible(timeout=1000 * STARTUP)
            expect(page.get_by_text("train.epochs")).to_have_count(0)  # the same in both
        context.close()
        process.terminate()
        assert process.wait(STARTUP) == 128 + signal.SIGTERM
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_store_of_an_older_mlflow_is_not_shown(tmp_path: Path) -> None:
    uri = empty_store(tmp_path / "old.db")
    with sqlite3.connect(tmp_path / "old.db") as old:
        old.execute("UPDATE alembic_version SET version_num = '0584bdc529eb'")
    with pytest.raises(TrackingError, match=r"cannot read the store: .* run 'mlflow db upgrade"):
        ui.serve(uri, free_port(), "1")


def test_a_served_model_gives_the_answers_of_the_pipeline(
    workspace: Workspace, tmp_path: Path
) -> None:
    """It has the code that it needs: the server runs elsewhere."""
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", workspace.store)
    workspace.tool("track")
    images = data.load(*catalog.test("digits")).images
    expected = pd.read_csv(paths.PREDICTIONS).drop(columns="label")
    expected["class"] = expected["prediction"].astype(str)
    workspace.monkeypatch.chdir("/")
    port = free_port()
    command = [str(BIN / "mlflow"), "models", "serve", "-m", f"models:/{NAME}/1"]
    command += ["--env-manager", "local", "--port", str(port)]

    def ask(inputs: Any) -> requests.Response:
        address = f"http://127.0.0.1:{port}/invocations"
        return requests.post(address, json={"inputs": inputs}, timeout=STARTUP)

    with started(command, f"http://127.0.0.1:{port}/ping", tmp_path / "log"):
        for form in (images, images.reshape(-1, 8, 8) / np.float32(255)):
            response = ask(form.tolist())
            assert response.status_code == 200, response.text[:500]
            found = pd.DataFrame(response.json()["predictions"])
            pd.testing.assert_frame_equal(found, expected, check_exact=True)
        for reason, inputs in {
            "images: shape (1, 63) should be (n, 64) or (n, 8, 8)": [[0] * 63],
            "the images differ in size": [[0] * 64, [0] * 63],
            "pixels should be numbers": [["white"] * 64],
            "Failed to enforce schema": [],  # MLflow's own words
        }.items():
            response = ask(inputs)
            assert response.status_code == 400
            assert reason in response.json()["message"]
