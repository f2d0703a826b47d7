"""The stages against real MLflow servers on PostgreSQL: a bare one, and that of compose.yaml."""

import hashlib
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow
import pytest
import requests
import yaml
from digits import write_lock
from mlflow import MlflowClient
from mlflow.entities import Run
from old_fixtures import Workspace
from servers import STARTUP, serve
from shared import ROOT, forking
from sqlalchemy import make_url

from softmax.tracking import store
from softmax.tracking.replay import BATCH_LOSS
from stages import evaluate, export, train
from tools import track

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
VARIABLE = re.compile(r"\$\{(\w+)(?::\?([^}]*)|:-([^}]*))\}")
PASSWORD = "a password for tests"  # noqa: S105


@pytest.fixture
def on_server(server: str, monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> Workspace:
    """The tiny workspace, its runs on the bare server."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    return workspace


@pytest.fixture(scope="module")
def team(
    postgresql: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URI of the server of compose.yaml as a local process, its artifacts in a folder."""
    folder = tmp_path_factory.mktemp("team")
    service = COMPOSE["services"]["server"]
    command = shlex.split(service["command"])
    assert command[:2] == ["mlflow", "server"]
    config = folder / "auth.ini"
    config.write_text(COMPOSE["configs"]["auth"]["content"])
    environment = {
        key: VARIABLE.sub(lambda match: match[3] or PASSWORD, value)
        for key, value in service["environment"].items()
    } | {
        "MLFLOW_ARTIFACTS_DESTINATION": str(folder / "artifacts"),
        "MLFLOW_AUTH_CONFIG_PATH": str(config),
        "PGHOST": str(make_url(postgresql("mlflow")).query["host"]),
        "PGUSER": "postgres",
    }
    with serve(folder, *command[2:], **environment) as uri:
        yield uri


def runs(uri: str) -> list[Run]:
    """The runs of the weights on disk."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("softmax-mnist")
    assert experiment is not None
    sha256 = hashlib.sha256(Path("models/softmax.safetensors").read_bytes()).hexdigest()
    return list(
        client.search_runs([experiment.experiment_id], f"tags.`weights.sha256` = '{sha256}'")
    )


def assert_whole(uri: str, run: Run, folder: Path) -> None:
    """Fail unless `run` has params, curves, metrics, and the very files of `folder`."""
    client = MlflowClient(uri)
    assert run.info.status == "FINISHED"
    assert run.data.params["train.learning_rate"] == "0.001"
    assert {"train_accuracy", "test_accuracy", "test_loss"} <= set(run.data.metrics)
    assert [point.step for point in client.get_metric_history(run.info.run_id, BATCH_LOSS)] == [
        100,
        200,
    ]
    for artifact, fact in {
        "evaluation": "metrics/predictions.csv",
        "weights/grid": "images/weights/grid/gray.png",
    }.items():
        path = f"{artifact}/{Path(fact).name}"
        downloaded = Path(client.download_artifacts(run.info.run_id, path, str(folder)))
        assert downloaded.read_bytes() == (folder / fact).read_bytes()
    (output,) = run.outputs.model_outputs
    mlflow.set_tracking_uri(uri)
    model = mlflow.artifacts.download_artifacts(f"models:/{output.model_id}")
    weights = Path(model, "artifacts/softmax.safetensors").read_bytes()
    assert weights == (folder / "models/softmax.safetensors").read_bytes()
    (version,) = client.search_model_versions(f"run_id = '{run.info.run_id}'")
    assert version.tags["weights.sha256"] == run.data.tags["weights.sha256"]


def test_an_address_as_every_guide_writes_it(
    postgresql: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = postgresql("plain").replace("postgresql+psycopg2:", "postgresql:")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", plain)
    client = store.connect()
    experiment = store.experiment(client, "a-guide")
    assert client.get_experiment(experiment).name == "a-guide"


def test_three_stages_make_one_row_that_has_everything(on_server: Workspace, server: str) -> None:
    folder = on_server(train={"epochs": 1, "batch_size": 2, "seed": 201})
    for stage in (train, evaluate, export):
        stage.main()
    (run,) = runs(server)
    assert run.data.tags["device"] == "cpu"
    assert_whole(server, run, folder)


def test_track_makes_the_row_once(
    on_server: Workspace, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = on_server(train={"epochs": 1, "batch_size": 2, "seed": 202})
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nothing listens there
    for stage in (train, evaluate, export):
        stage.main()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    write_lock()
    for _ in range(2):
        track.main()
    (run,) = runs(server)
    assert run.data.tags["backfilled"] == "true"
    assert_whole(server, run, folder)


def test_a_team_that_first_uses_its_server_at_once_loses_nothing(
    workspace: Workspace, team: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each from a clone of their own, so that no lock on a file keeps them apart.

    They may take their time, which a busy machine needs.
    """
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    people = ["ada", "emmy", "grace"]
    for seed, name in enumerate(people, 203):
        requests.post(
            f"{team}/api/2.0/mlflow/users/create",
            json={"username": name, "password": PASSWORD},
            auth=("admin", PASSWORD),
            timeout=STARTUP,
        ).raise_for_status()
        workspace(train={"epochs": 1, "batch_size": 2, "seed": seed})
        with monkeypatch.context() as offline:
            offline.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
            train.main()
        clone = tmp_path / name
        shutil.copytree(".", clone, ignore=shutil.ignore_patterns(*people))
    program = (
        "import mlflow; from softmax.tracking import recording;"
        "from stages import evaluate, export;"
        "recording.LIMIT = 600; print(flush=True); input(); evaluate.main(); export.main()"
    )
    processes = [
        subprocess.Popen(
            ["python", "-c", program],
            cwd=tmp_path / name,
            env={
                **forking(),
                "PYTHONPATH": str(ROOT),
                "MLFLOW_TRACKING_URI": team,
                "MLFLOW_TRACKING_USERNAME": name,
            },
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
    assert sorted(found.name for found in experiments) == ["Default", "softmax-mnist"]
    for name in people:
        monkeypatch.chdir(tmp_path / name)
        (run,) = runs(team)
        assert_whole(team, run, tmp_path / name)


def test_a_wrong_password_costs_one_warning_and_no_output(
    workspace: Workspace,
    team: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workspace(train={"epochs": 1, "seed": 206})
    monkeypatch.setenv("MLFLOW_TRACKING_URI", team)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "a wrong password")
    train.main()
    evaluate.main()
    assert Path("models/softmax.safetensors").exists()
    assert Path("metrics/test.json").exists()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2  # one for each stage
    assert all("401" in line and "`make track`" in line for line in lines)


def test_compose_binds_loopback_and_pins_every_image() -> None:
    pinned = re.compile(r"^[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$")
    for service in COMPOSE["services"].values():
        image = service["image"]
        if "build" in service:
            dockerfile = service["build"]["dockerfile_inline"]
            (image,) = re.findall(r"^FROM (\S+)$", dockerfile, re.MULTILINE)
            installed = shlex.split(re.findall(r"--constraint pins.txt (.*)", dockerfile)[0])
            pins = (ROOT / "requirements.txt").read_text()
            assert [name for name in installed if f"\n{name.split('[')[0]}==" not in pins] == []
        assert pinned.match(image)
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_compose_has_no_password_of_its_own() -> None:
    example = re.findall(r"^(\w+)=$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    required = {
        match[1] for match in VARIABLE.finditer((ROOT / "compose.yaml").read_text()) if match[2]
    }
    assert set(example) == required
    for service in COMPOSE["services"].values():
        for key, value in service["environment"].items():
            assert not re.search("PASSWORD|SECRET", key) or VARIABLE.fullmatch(value)
    assert (
        subprocess.run(["git", "check-ignore", "-q", ".env"], cwd=ROOT, check=False).returncode == 0
    )
