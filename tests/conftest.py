"""The places where stages run, a clean clone with real MNIST and a tiny workspace, and servers."""

import gc
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import forkserver
import hypothesis
import numpy as np
import pytest
import requests
import yaml
from filelock import FileLock
from mlflow import MlflowClient
from playwright.sync_api import Browser, sync_playwright

from softmax.pipeline import catalog, params, recorder
from softmax.pipeline.catalog import Pinned
from softmax.pipeline.recorder import Recorder
from softmax.provenance import lock
from softmax.tracking import recording
from verification import hashes

hypothesis.settings.register_profile("busy machine", deadline=None)
hypothesis.settings.load_profile("busy machine")

ROOT = Path(__file__).parents[1]
LECTURE = ROOT / "tests/lecture.yaml"
STARTUP = 60  # seconds
SHARED = "TESTS_SHARED"  # the variable that names the folder of what is built once
HEAVY = {"pipeline", "team", "clone", "browser", "postgresql", "server", "store"}  # take long
Workspace = Callable[..., Path]


def pytest_configure(config: pytest.Config) -> None:
    """Make a folder that all processes of this run share."""
    if not hasattr(config, "workerinput"):
        os.environ[SHARED] = tempfile.mkdtemp(prefix="tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove it, and end all that was forked."""
    if not hasattr(config, "workerinput"):
        folder = Path(os.environ.pop(SHARED))
        if (server := folder / "forkserver/pid").exists():
            with suppress(ProcessLookupError):  # where it ended by itself
                os.killpg(int(server.read_text()), signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)  # a daemon of DVC's may still write there


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what needs a server, a browser or a pipeline."""
    for item in items:
        if isinstance(item, pytest.Function) and HEAVY & set(item.fixturenames):
            item.add_marker("slow")


def once(name: str, build: Callable[[Path], None]) -> Path:
    """The folder that `build` fills, once for all processes that run tests."""
    folder = Path(os.environ[SHARED]) / name
    with FileLock(f"{folder}.lock"):
        if not (done := folder.with_suffix(".done")).exists():
            shutil.rmtree(folder, ignore_errors=True)  # where it failed before
            folder.mkdir()
            build(folder)
            done.touch()
    return folder


def forking() -> dict[str, str]:
    """The environment in which `python` and `dvc` are forks."""
    forks = once("forkserver", fork_commands)
    return {
        **{key: value for key, value in os.environ.items() if key != forkserver.NO_BYTECODE},
        forkserver.SOCKETS: str(forks),
        "PATH": os.pathsep.join([str(forks / "bin"), os.environ["PATH"]]),
    }


def fork_commands(folder: Path) -> None:
    """Start the process whose forks run the commands of clones."""
    forkserver.install(folder)
    process = forkserver.start(folder)
    (folder / "pid").write_text(str(process.pid))
    while not all((folder / name).exists() for name in forkserver.LIBRARIES):
        time.sleep(0.01)


class Clone:
    """A clone of the repository and the commands that run in it."""

    def __init__(self, folder: Path, source: Path) -> None:
        subprocess.run(["git", "clone", "--quiet", source, folder], check=True)
        self.enter(folder)

    @classmethod
    def copy(cls, source: Path, folder: Path) -> "Clone":
        """A copy of a clone that is not to change, with its data, models and caches."""
        shutil.copytree(source, folder, symlinks=True)
        clone = cls.__new__(cls)
        clone.enter(folder)
        return clone

    def enter(self, folder: Path) -> None:
        """Run commands in `folder`, and Python as a fork."""
        self.folder = folder
        self.environment = {
            **forking(),
            "GIT_AUTHOR_NAME": "tests",
            "GIT_AUTHOR_EMAIL": "tests@localhost",
            "GIT_COMMITTER_NAME": "tests",
            "GIT_COMMITTER_EMAIL": "tests@localhost",
        }
        # what `make ci` was told is not for the make that a test runs
        for name in ("MLFLOW_TRACKING_URI", "PULL", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
            self.environment.pop(name, None)

    def run(self, *command: str, **environment: str) -> str:
        """What `command` prints; AssertionError with all of it unless it succeeds."""
        done = self.attempt(*command, **environment)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def make(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run make with this environment for its .venv, whatever comes of it."""
        here = f"BIN={self.environment['PATH'].split(os.pathsep)[0]}"
        return self.attempt(
            "make", "--old-file", ".venv/installed", here, *arguments, **environment
        )

    def give_store(self) -> None:
        """Put an empty MLflow store in the place of the one that is here, if any."""
        for file in self.folder.glob("mlflow.db*"):
            file.unlink()
        shutil.copy(once("store", migrate) / "mlflow.db", self.folder)

    def give_environment(self) -> dict[str, str]:
        """Make .venv, and return what a fresh shell has instead of it."""
        environment, mine = Path(sys.executable).parents[1], self.folder / ".venv"
        here, *places = self.environment["PATH"].split(os.pathsep)
        shutil.copytree(here, mine / "bin", symlinks=True)
        activate = (environment / "bin/activate").read_text()
        (mine / "bin/activate").unlink()
        (mine / "bin/activate").write_text(activate.replace(str(environment), str(mine)))
        (mine / "installed").touch()
        others = [place for place in places if Path(place) != environment / "bin"]
        return {"PATH": os.pathsep.join(others), "VIRTUAL_ENV": ""}

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace what comes once in a file."""
        text = (self.folder / path).read_text()
        assert text.count(old) == 1, f"{path}: {old!r} comes {text.count(old)} times"
        (self.folder / path).write_text(text.replace(old, new))

    def attempt(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `command`, whatever comes of it."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in which all stages ran on real MNIST as in the lecture, all of it committed."""
    return Clone.copy(
        once("pipeline", run_pipeline) / "clone", tmp_path_factory.mktemp("pipeline") / "clone"
    )


def run_pipeline(folder: Path) -> None:
    """Make the clone of `pipeline`."""
    clone = Clone(folder / "clone", ROOT)
    shutil.copy(LECTURE, clone.folder / "params.yaml")
    clone.run("dvc", "repro", "--force")
    clone.run("git", "commit", "--quiet", "--all", "--message", "Train as in the lecture")


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


def run_team(folder: Path) -> None:
    """Make the data set, the clone and the store of `team`."""
    write_mnist(folder / "digits")
    shutil.copy(once("store", migrate) / "mlflow.db", folder)
    clone = Clone(folder / "clone", ROOT)
    clone.environment |= team_environment(folder)
    clone.run("python", "-m", "tools.pin", "digits", str(folder / "digits"))
    shutil.copy(LECTURE, clone.folder / "params.yaml")
    clone.edit("params.yaml", "dataset: mnist", "dataset: digits")
    clone.edit("params.yaml", "[1802, 1100, 217]", "[3, 7]")
    clone.edit("params.yaml", "batch_size: 64", "batch_size: 2")  # so that a 100th batch comes
    clone.run("dvc", "repro")
    clone.run("git", "add", "--all")
    clone.run("git", "commit", "--quiet", "--message", "Train on digits")


def team_environment(folder: Path) -> dict[str, str]:
    """Where the team has its runs and its data."""
    return {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "MNIST_MIRROR": str(folder / "digits"),
    }


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URI of an MLflow store that the tests of a process share."""
    folder = tmp_path_factory.mktemp("store")
    return f"sqlite:///{shutil.copy(once('store', migrate) / 'mlflow.db', folder)}"


def migrate(folder: Path) -> None:
    """Make an empty MLflow store, which takes seconds."""
    MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")


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
        with playwright.chromium.launch(executable_path=chromium) as opened:
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


@contextmanager
def serve(folder: Path, *options: str, **environment: str) -> Iterator[str]:
    """The URI of an MLflow server, once it answers; in the end no process of it is left."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    here = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            ["python", "-m", "mlflow", "server", *options, *here],
            cwd=folder,
            env={**forking(), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        uri = f"http://127.0.0.1:{port}"
        wait_for(f"{uri}/health", process, folder / "log")
        yield uri
    finally:
        with suppress(ProcessLookupError):  # where it ended by itself
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when `url` answers; AssertionError with the log where it does not."""
    end = time.monotonic() + STARTUP
    while process.poll() is None and time.monotonic() < end:
        with suppress(requests.RequestException):
            requests.get(url, timeout=1).raise_for_status()
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture
def workspace(tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Makes a folder to run stages in: workspace(train={"epochs": 1}) changes the lecture's.

    Its MNIST is that of `write_mnist`.
    All log in this process, where MLflow is imported once.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("DEVICE", "cpu")
    monkeypatch.setattr(sys, "argv", ["stages"])
    monkeypatch.setattr(Recorder, "__init__", lambda self, event: setattr(self, "event", event))
    monkeypatch.setattr(
        Recorder, "log", lambda self, *args, **details: recorder.log(self.event, *args, **details)
    )
    monkeypatch.setattr(recording, "LIMIT", 600)  # it would end the tests
    folder = catalog.directory("mnist")
    write_mnist(folder)
    hashes = [hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in catalog.FILES]
    monkeypatch.setitem(catalog.load(), "mnist", Pinned(tuple(hashes), ""))

    def prepare(**changes: dict[str, Any]) -> Path:
        values = yaml.safe_load(LECTURE.read_text())
        values["evaluate"]["samples"] = [3, 7]
        for section, others in changes.items():
            values[section] |= others
        Path("params.yaml").write_text(yaml.safe_dump(values))
        return tmp_path

    yield prepare
    gc.unfreeze()  # this process goes on, with torch in it


def write_mnist(folder: Path) -> None:
    """Write 500 training and 30 test images, each with a bright line that tells its label."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for name, count in {"train": 500, "t10k": 30}.items():
        labels = np.arange(count) % 10
        images = random.integers(60, size=(count, 28, 28))
        images[np.arange(count), labels * 2] += 190
        write_idx(folder / f"{name}-images-idx3-ubyte", images)
        write_idx(folder / f"{name}-labels-idx1-ubyte", labels)


def write_lock() -> dict[str, Any]:
    """Write the dvc.lock of the results that are here, and return its content."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "dvc.lock").read_text())
    content["stages"] = {name: content["stages"][name] for name in ("download", *lock.RESULTS)}
    content["stages"]["download"] |= {"params": {}, "outs": []}
    settings = params.load().model_dump()
    for name in lock.RESULTS:
        stage = content["stages"][name]
        for key in stage["params"]["params.yaml"]:
            section, leaf = key.split(".")
            stage["params"]["params.yaml"][key] = settings[section][leaf]
        for file in stage["deps"] + stage["outs"]:
            file["path"] = re.sub("^data/[^/]+/", "data/mnist/", file["path"])
            file["md5"] = hashes.md5(Path(file["path"])) or file["md5"]
    lock.PATH.write_text(yaml.safe_dump(content))
    return content


def write_idx(path: Path, array: np.ndarray[Any, Any]) -> None:
    """Write `array` as an IDX file of unsigned bytes."""
    header = np.array([0x0800 + array.ndim, *array.shape], ">u4")
    path.write_bytes(header.tobytes() + array.astype(np.uint8).tobytes())
