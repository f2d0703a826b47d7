"""The fixtures of directories that are not rewritten yet."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tally as tallies
import yaml
from clones import Clone, run_pipeline, run_team, team_environment
from digits import pinned, write_mnist
from playwright.sync_api import Browser, sync_playwright
from servers import empty_store, serve
from shared import LECTURE, once
from tally import Tally

from softmax.pipeline import catalog, recorder
from softmax.pipeline.recorder import Recorder
from softmax.tracking import recording

# which take long
HEAVY = {"pipeline", "team", "clone", "faster", "browser", "postgresql", "server", "store"}
Workspace = Callable[..., Path]


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Counts what the tests of a file in tests/torture try."""
    return Tally(tallies.name(request.path.stem))


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in which all stages ran on real MNIST as in the lecture, all of it committed."""
    return Clone.copy(
        once("pipeline", run_pipeline) / "clone", tmp_path_factory.mktemp("pipeline") / "clone"
    )


@pytest.fixture(scope="session")
def team(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone with a small data set of its own, on which the pipeline ran, all of it committed."""
    folder = tmp_path_factory.mktemp("team")
    built = once("team", run_team)
    shutil.copytree(built / "digits", folder / "digits")
    shutil.copy(built / "mlflow.db", folder)
    clone = Clone.copy(built / "clone", folder / "clone")
    clone.environment |= team_environment(folder)
    return clone


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URI of an MLflow store that the tests of a process share."""
    return empty_store(tmp_path_factory.mktemp("store") / "mlflow.db")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium, Playwright's own or that of the machine.

    Its event loop ends with each module of tests.
    """
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        names = (own, "chromium-headless-shell", "chromium", "google-chrome")
        if (chromium := next(filter(None, map(shutil.which, names)), None)) is None:
            pytest.skip("Chromium is not installed; `playwright install chromium` does it")
        with playwright.chromium.launch(executable_path=chromium, args=["--disable-gpu"]) as opened:
            yield opened


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[str], str]]:
    """Makes a database on a throwaway cluster and returns its URI: postgresql("shared").

    The cluster has no port, only a socket in a folder of its own.
    """
    path = os.pathsep.join(
        [os.environ["PATH"], *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
    )
    if (initdb := shutil.which("initdb", path=path)) is None:
        pytest.skip("PostgreSQL is not installed")
    programs = Path(initdb).resolve().parent
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        owner = []
        if os.geteuid() == 0:  # which PostgreSQL refuses
            owner = ["runuser", "-u", "postgres", "--"]
            shutil.chown(folder, "postgres")

        def run(program: str, *arguments: str) -> None:
            command = [*owner, str(programs / program), *arguments]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)

        def create(name: str) -> str:
            run("createdb", "--host", folder, "--username", "postgres", name)
            return f"postgresql+psycopg2:///{name}?host={folder}&user=postgres"

        data = f"{folder}/data"
        run("initdb", "--no-sync", "--username", "postgres", "--auth", "trust", data)
        settings = f"-F -c listen_addresses= -c unix_socket_directories={folder}"
        run("pg_ctl", "start", "-D", data, "-o", settings, "-l", f"{folder}/log")
        yield create
        run("pg_ctl", "stop", "-D", data, "--mode", "immediate")


@pytest.fixture(scope="session")
def server(
    postgresql: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URI of an MLflow server on PostgreSQL that the tests share."""
    folder = tmp_path_factory.mktemp("server")
    database, artifacts = postgresql("shared"), str(folder / "artifacts")
    with serve(
        folder, "--backend-store-uri", database, "--artifacts-destination", artifacts
    ) as uri:
        yield uri


@pytest.fixture
def workspace(tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Makes a folder to run stages in: workspace(train={"epochs": 1}) changes the lecture's.

    Its MNIST is that of `write_mnist`.
    All log in this process, where MLflow is imported once.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("DEVICE", "cpu")
    monkeypatch.setattr(sys, "argv", ["stages"])
    monkeypatch.setattr(sys, "path", [*sys.path])  # to which MLflow adds the code of a model
    monkeypatch.setattr(Recorder, "__init__", lambda self, event: setattr(self, "event", event))
    monkeypatch.setattr(
        Recorder, "log", lambda self, *args, **details: recorder.log(self.event, *args, **details)
    )
    monkeypatch.setattr(recording, "_clock", lambda _: None)  # it would end the tests
    folder = catalog.directory("mnist")
    write_mnist(folder)
    monkeypatch.setitem(catalog.load(), "mnist", pinned(folder))
    monkeypatch.setattr(catalog, "PATH", tmp_path / catalog.PATH.name)  # for other processes
    catalog.PATH.write_text(json.dumps({"mnist": pinned(folder).model_dump(by_alias=True)}))

    def prepare(**changes: dict[str, Any]) -> Path:
        values = yaml.safe_load(LECTURE.read_text())
        values["evaluate"]["samples"] = [3, 7]
        for section, others in changes.items():
            values[section] |= others
        Path("params.yaml").write_text(yaml.safe_dump(values))
        return tmp_path

    return prepare
