"""Test MLflow's UI and servers: on PostgreSQL, as in compose.yaml, and one that never answers."""

import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from helpers.runs import NAME, content, runs
from helpers.shared import ROOT
from helpers.stores import STARTUP, free_port, serve
from helpers.workspace import MODEL, Workspace
from mlflow import MlflowClient
from playwright.sync_api import Browser, expect
from sqlalchemy import make_url

from softmax.pipeline import dvc_lock, paths
from softmax.tracking import views

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
VARIABLE = re.compile(r"\$\{\w+(?::\?[^}]*|:-([^}]*))\}")
PASSWORD = "a password for tests"  # noqa: S105
RESULTS = """
from softmax.pipeline.recorder import Recorder
from softmax.tracking import recording
from stages import evaluate, export
Recorder._connect = lambda _: None  # without a recorder process, logging has no time limit
Recorder._ask = lambda _, request: recording.answer(request)
evaluate.main()
export.main()
"""


def test_a_run_on_a_server_is_complete(workspace: Workspace, server: str) -> None:
    """Compare with the run in a local store. `softmax track` adds nothing to either run."""
    workspace.tool("track")
    expected, locked = content(workspace.store), dvc_lock.PATH.read_bytes()
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    dvc_lock.PATH.unlink()
    assert [workspace.stage(stage).err for stage in (*MODEL, "report")] == [""] * 4
    assert content(server) == expected
    dvc_lock.PATH.write_bytes(locked)
    assert workspace.tool("track").status == 0
    assert content(server) == expected
    client, (run, *_) = MlflowClient(server), runs(server)
    answers = client.download_artifacts(run.info.run_id, "evaluation/predictions.csv")
    assert Path(answers).read_bytes() == paths.PREDICTIONS.read_bytes()

    output = workspace.tool("ui").out
    assert f"{server}/#/experiments/{run.info.experiment_id}/runs?" in output
    assert "selectedColumns" in client.get_experiment(run.info.experiment_id).tags[views.TAG]


@pytest.fixture
def team(postgresql: Callable[[str], str], tmp_path: Path) -> Iterator[str]:
    """Run the server of compose.yaml as a local process, and yield its URI."""
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
def test_concurrent_first_use_of_a_server_loses_no_runs(
    workspace: Workspace, team: str, tmp_path: Path
) -> None:
    """Three people log at once from separate clones, which share no file lock."""
    people, expected = [tmp_path / name for name in ("ada", "emmy", "grace")], []
    dvc_lock.PATH.unlink()
    for seed, directory in enumerate(people):
        workspace.set(train={"seed": seed})
        assert [workspace.stage(stage).err for stage in MODEL] == [""] * 3
        expected.append(content(workspace.store))
        shutil.copytree(".", directory)
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", team)
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "a wrong password")
    assert "401" in workspace.stage("train").err
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    command = [sys.executable, "-c", RESULTS]
    processes = [
        subprocess.Popen(command, cwd=directory, stderr=subprocess.PIPE, text=True)
        for directory in people
    ]
    assert [process.communicate()[1] for process in processes] == [""] * 3
    experiments = MlflowClient(team).search_experiments()
    assert sorted(found.name for found in experiments) == ["Default", NAME]
    for directory, known in zip(people, expected, strict=True):
        workspace.monkeypatch.chdir(directory)
        assert content(team) == known


@pytest.mark.parametrize("scheme", ["http", pytest.param("postgresql", marks=pytest.mark.extended)])
def test_a_stage_stops_waiting_for_a_server_that_never_answers(
    scheme: str, workspace: Workspace
) -> None:
    """A stage in a separate process ends in time, prints one warning, and keeps its outputs."""
    before, start = workspace.contents(), time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = "{}://nobody@{}:{}/mlflow".format(scheme, *listener.getsockname())
        workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        command = [sys.executable, "-m", "stages.train"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    (warning,) = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    assert "softmax track" in warning
    assert "Traceback" not in done.stderr
    assert time.monotonic() - start < STARTUP  # the stage stops waiting after 8 s
    assert workspace.contents() == before


def test_the_ui_shows_the_runs_side_by_side_until_the_command_ends(
    workspace: Workspace, browser: Browser
) -> None:
    dvc_lock.PATH.unlink()
    for seed in (1, 2):
        workspace.set(train={"seed": seed})
        assert [workspace.stage(stage).err for stage in ("train", "evaluate")] == ["", ""]
    command = [sys.executable, "-m", "softmax", "ui", "--port", str(port := free_port())]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        links = dict(process.stdout.readline().split() for _ in range(2))
        assert process.stdout.readline() == "Press Ctrl-C to stop the server.\n"
        page = browser.new_page(viewport={"width": 1500, "height": 900})
        for name in ("charts", "table"):
            page.goto(links[name])
            for shown in ("2 matching runs", "test_accuracy"):
                expect(page.get_by_text(shown).first).to_be_visible(timeout=1000 * STARTUP)
            expect(page.get_by_text("train.epochs")).to_have_count(0)  # equal in both runs
            expect(page.get_by_placeholder("Ask a question")).to_have_count(0)  # no AI assistant
        expect(page.get_by_text("train.seed").first).to_be_visible()
        page.close()
    finally:
        process.terminate()
    assert process.wait(STARTUP) == 128 + signal.SIGTERM
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
