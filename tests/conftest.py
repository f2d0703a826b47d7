"""Provide fixtures for several directories: workspace, clone, browser, database and server."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from helpers.shared import SHARED

if TYPE_CHECKING:
    from helpers.clones import Clone
    from helpers.workspace import Workspace
    from playwright.sync_api import Browser

END_TO_END = {"browser", "mnist", "postgresql", "server"}  # fixtures that start programs

hypothesis.settings.register_profile("default", deadline=None, max_examples=30)
hypothesis.settings.register_profile("extended", deadline=None, max_examples=2000)
hypothesis.settings.register_profile("long", deadline=None, max_examples=20_000)  # docs.survival
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault("no_proxy", "127.0.0.1")  # tests start servers there
    if not hasattr(config, "workerinput"):
        os.environ[SHARED] = tempfile.mkdtemp(prefix="tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(SHARED), ignore_errors=True)  # DVC's daemon may write there


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that start programs, and run their files first, because they take longest."""
    for item in items:
        if "end_to_end" in item.path.parts or END_TO_END & {*getattr(item, "fixturenames", ())}:
            item.add_marker("end_to_end")
    files = {item.path for item in items if item.get_closest_marker("end_to_end")}
    items.sort(key=lambda item: item.path not in files)


@pytest.fixture
def workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> "Workspace":
    """Return a tiny repository, committed after all stages ran, as the working directory."""
    from helpers import workspace

    return workspace.Workspace(workspace.copy(tmp_path / "workspace"), monkeypatch, capsys)


@pytest.fixture(scope="session")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> "Clone":
    """Return a clone in which all stages ran on MNIST with the lecture's parameters.

    A test that changes the clone must copy it first.
    """
    from helpers.clones import Clone, build_mnist
    from helpers.shared import once

    directory = tmp_path_factory.mktemp("mnist") / "clone"
    return Clone.copy(once("mnist", build_mnist) / "clone", directory)


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """Yield headless Chromium, Playwright's own or the machine's."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        names = (own, "chromium-headless-shell", "chromium", "google-chrome")
        if (chromium := next(filter(None, map(shutil.which, names)), None)) is None:
            pytest.skip("Chromium is not installed. Run `playwright install chromium`.")
        with playwright.chromium.launch(executable_path=chromium, args=["--disable-gpu"]) as opened:
            yield opened


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[str], str]]:
    """Yield a function that creates a database and returns its URI: postgresql("shared").

    The cluster has a socket but no port. pytest-postgresql cannot start a cluster as root.
    """
    places = map(str, Path("/usr/lib/postgresql").glob("*/bin"))
    path = os.pathsep.join([os.environ["PATH"], *places])
    if (initdb := shutil.which("initdb", path=path)) is None:
        pytest.skip("PostgreSQL is not installed")
    programs = Path(initdb).resolve().parent
    with tempfile.TemporaryDirectory(prefix="pg") as directory:
        owner = []
        if os.geteuid() == 0:  # PostgreSQL does not run as root
            owner = ["runuser", "-u", "postgres", "--"]
            shutil.chown(directory, "postgres")

        def run(program: str, *arguments: str) -> None:
            command = [*owner, str(programs / program), *arguments]
            subprocess.run(command, cwd=directory, check=True, stdout=subprocess.DEVNULL)

        def create(name: str) -> str:
            run("createdb", "--host", directory, "--username", "postgres", name)
            return f"postgresql+psycopg2:///{name}?host={directory}&user=postgres"

        data = f"{directory}/data"
        run("initdb", "--no-sync", "--username", "postgres", "--auth", "trust", data)
        settings = f"-F -c listen_addresses= -c unix_socket_directories={directory}"
        run("pg_ctl", "start", "-D", data, "-o", settings, "-l", f"{directory}/log")
        yield create
        run("pg_ctl", "stop", "-D", data, "--mode", "immediate")


@pytest.fixture(scope="session")
def server(
    postgresql: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Yield the URI of an MLflow server on PostgreSQL, which all tests of a process share."""
    from helpers.stores import serve

    directory = tmp_path_factory.mktemp("server")
    database, artifacts = postgresql("shared"), str(directory / "artifacts")
    options = ("--backend-store-uri", database, "--artifacts-destination", artifacts)
    with serve(directory, *options) as uri:
        yield uri
