"""Where the runs are, whatever the folder is called and the environment asks for."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from old_fixtures import Workspace
from servers import STARTUP, empty_store
from shared import ROOT, forking

from softmax.tracking import moving, store
from stages import train

URIS = {  # at the root, and in a folder of an experiment
    "": ("sqlite:///mlflow.db", "sqlite:///../../mlflow.db"),
    "sqlite:///mine.db": ("sqlite:///mine.db", "sqlite:///../../mine.db"),
    "SQLite:////mine.db": ("sqlite:////mine.db", "sqlite:////mine.db"),
    "HTTP://host:5000": ("http://host:5000", "http://host:5000"),
    "databricks": ("databricks", "databricks"),
}
ENDLESS = """
import threading, time
from softmax.pipeline import params, recorder
from softmax.tracking import recording
recording.LIMIT = 1
recording.EVENTS["images"] = lambda *_: threading.Thread(target=time.sleep, args=[600]).start()
recorder.log("images", params.load())
"""


@pytest.mark.parametrize("given", URIS)
def test_an_address_means_the_same_everywhere(
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


@pytest.fixture
def place(workspace: Workspace) -> Callable[[str], Path]:
    """Makes a folder of a name, with data, params and an empty store."""
    workspace(train={"epochs": 1, "seed": 400})

    def make(name: str) -> Path:
        folder = Path(name).absolute()
        shutil.copytree("data", folder / "data")
        shutil.copy("datasets.yaml", folder)
        shutil.copy("params.yaml", folder)
        empty_store(folder / "mlflow.db")
        return folder

    return make


def run(stage: str, folder: Path) -> None:
    """Run a stage in `folder`, without a word of warning."""
    done = subprocess.run(
        ["python", "-m", f"stages.{stage}"],
        cwd=folder,
        env=forking() | {"PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "warning" not in done.stderr


def rows(folder: Path) -> list[Run]:
    """The runs of the store in `folder`, after a look at their files."""
    copy = folder.with_name("copy.db")  # whose name means nothing else in a URI
    shutil.copy(folder / "mlflow.db", copy)
    client = MlflowClient(f"sqlite:///{copy}")
    found = list(client.search_runs([client.get_experiment_by_name("softmax-mnist").experiment_id]))
    for row in found:
        assert row.info.artifact_uri.startswith(folder.as_uri())
        (output,) = row.outputs.model_outputs
        model = client.get_logged_model(output.model_id)
        assert model.artifact_location.startswith(folder.as_uri())
        assert client.list_logged_model_artifacts(model.model_id)
    return found


@pytest.mark.parametrize("name", ["feature%2Fx", "a?b", "a b#c", "thư mục"])
def test_a_folder_of_any_name_keeps_its_runs(
    name: str, place: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = place(name)
    before = set(tmp_path.iterdir())
    run("train", folder)
    assert set(tmp_path.iterdir()) == before
    assert len(rows(folder)) == 1


@pytest.mark.parametrize("move", [shutil.move, shutil.copytree])
def test_a_clone_that_was_moved_or_copied_keeps_its_own(
    move: Callable[[Path, Path], object], place: Callable[[str], Path], tmp_path: Path
) -> None:
    here, there = place("here"), tmp_path / "there"
    run("train", here)
    before = sorted(here.rglob("*"))
    move(here, there)
    run("evaluate", there)
    params = there / "params.yaml"
    params.write_text(params.read_text().replace("seed: 400", "seed: 401"))
    run("train", there)
    assert sorted(here.rglob("*")) == (before if here.exists() else [])
    assert sorted("test_accuracy" in row.data.metrics for row in rows(there)) == [False, True]


@pytest.mark.parametrize("kept", ["a folder", "s3://bucket"])
def test_artifacts_that_somebody_keeps_elsewhere_stay_there(
    kept: str, place: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = place("here")
    if kept == "a folder":
        kept = (tmp_path / "elsewhere").as_uri()
        (tmp_path / "elsewhere").mkdir()
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    made = client.create_experiment("softmax-other", f"{kept}/mlartifacts/softmax-other")
    moving.follow(folder)
    assert client.get_experiment(made).artifact_location == f"{kept}/mlartifacts/softmax-other"


def test_what_the_environment_asks_of_mlflow_is_not_for_this_client(
    workspace: Workspace, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace(train={"epochs": 1, "seed": 401})
    for key, value in {
        "MLFLOW_ENABLE_ASYNC_LOGGING": "true",
        "MLFLOW_RUN_ID": "0" * 32,
        "MLFLOW_EXPERIMENT_ID": "77",
        "MLFLOW_EXPERIMENT_NAME": "somebody-else",
        "MLFLOW_REGISTRY_URI": "http://127.0.0.1:9",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "7",
    }.items():
        monkeypatch.setenv(key, value)
    train.main()
    assert os.environ["MLFLOW_ENABLE_ASYNC_LOGGING"] == "false"
    client = MlflowClient(store, store)
    names = {experiment.name for experiment in client.search_experiments()}
    assert "somebody-else" not in names
    assert client.search_model_versions("name='softmax-mnist'")


def test_a_thread_that_does_not_end_is_not_waited_for(workspace: Workspace, store: str) -> None:
    workspace()
    done = subprocess.run(
        [sys.executable, "-c", ENDLESS],
        env=os.environ | {"PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": store},
        capture_output=True,
        text=True,
        check=True,
        timeout=STARTUP,
    )
    assert done.stderr.startswith("warning: MLflow did not take this stage (not in 1 s); ")


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
