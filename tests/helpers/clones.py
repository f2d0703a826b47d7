"""Run commands in clones, each in a separate process, as users do."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from helpers.shared import COMMITTER, LECTURE, ROOT, once
from helpers.stores import empty_store

BIN = Path(sys.executable).parent
OURS = ("MLFLOW_TRACKING_URI", "PULL", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")  # set by `make ci`


def git(directory: Path, *arguments: str) -> str:
    """Run git in `directory`, assert that it succeeds, and return its output."""
    command, environment = ["git", *arguments], os.environ | COMMITTER
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"git {arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def copy_working_tree(directory: Path, only: Sequence[str] = (".",), source: Path = ROOT) -> None:
    """Copy the files of `source` that git does not ignore, including uncommitted changes."""
    listed = git(source, "ls-files", "-z", "--cached", "--others", "--exclude-standard", *only)
    for name in filter(None, listed.split("\0")):
        if (source / name).is_file():  # git also lists deleted files
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, directory / name)


def build_repository(directory: Path, source: Path = ROOT) -> None:
    """Build a repository whose only commit contains the working tree of `source`."""
    copy_working_tree(directory, source=source)
    git(directory, "init", "--quiet")
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--message", "Working tree")


class Clone:
    """Run commands in a clone of the working tree or of `source`."""

    def __init__(self, directory: Path, source: Path | None = None) -> None:
        source = source or once("repository", build_repository)
        git(source, "clone", "--quiet", str(source), str(directory))
        self.enter(directory)

    @classmethod
    def copy(cls, source: "Clone | Path", directory: Path) -> "Clone":
        """Copy a clone with its data, models and caches. The original must not change."""
        origin = source.directory if isinstance(source, Clone) else source
        sockets = shutil.ignore_patterns("recorder-*")
        shutil.copytree(origin, directory, symlinks=True, ignore=sockets)
        clone = cls.__new__(cls)
        clone.enter(directory)
        return clone

    def enter(self, directory: Path) -> None:
        """Run commands in `directory`, with the Python of the tests first on PATH.

        Replace the MLflow store by an empty one, because MLflow stores absolute paths.
        """
        self.directory = directory
        path = os.pathsep.join([str(BIN), os.environ["PATH"]])
        self.environment = {**os.environ, **COMMITTER, "PATH": path}
        for name in OURS:
            self.environment.pop(name, None)
        for file in directory.glob("mlflow.db*"):
            file.unlink()
        empty_store(directory / "mlflow.db")

    def run(self, *command: str, **environment: str) -> str:
        """Run `command`, assert that it succeeds, and return its stdout."""
        done = self.attempt(*command, **environment)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def attempt(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `command`, which may fail."""
        place, variables = self.directory, self.environment | environment
        return subprocess.run(
            command, cwd=place, env=variables, capture_output=True, text=True, check=False
        )

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start `command` in a new session, with stderr redirected to stdout."""
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        place = {"cwd": self.directory, "env": self.environment, "start_new_session": True}
        return subprocess.Popen(command, **output, **place)  # type: ignore[call-overload]

    def make(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run make in the environment of the tests; it may fail."""
        installed = ("--old-file", ".venv/installed", f"BIN={BIN}")
        return self.attempt("make", *installed, *arguments, **environment)

    def softmax(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m softmax`, which may fail."""
        return self.attempt("python", "-m", "softmax", *arguments)

    def assert_clean(self) -> None:
        """Assert that `git status` shows no change and `dvc status` no stale stage."""
        assert self.run("git", "status", "--porcelain") == ""
        assert "up to date" in self.run("dvc", "status")

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace `old`, which must occur exactly once in the file, by `new`."""
        text = (self.directory / path).read_text()
        assert text.count(old) == 1, f"{path}: {old!r} occurs {text.count(old)} times"
        (self.directory / path).write_text(text.replace(old, new))


def build_mnist(directory: Path) -> None:
    """Build a clone, run all stages on MNIST with the lecture's parameters, and commit."""
    clone = Clone(directory / "clone")
    shutil.copy(LECTURE, clone.directory / "params.yaml")
    data = ROOT / "data/mnist"
    clone.run("dvc", "repro", "--force", **({"MNIST_MIRROR": str(data)} if data.exists() else {}))
    clone.run("git", "commit", "--quiet", "--all", "--allow-empty", "--message", "Train on MNIST")


def build_digits(directory: Path) -> None:
    """Build a clone that contains the data and results of the tiny workspace, and commit."""
    from helpers import workspace  # here, because it imports this module

    clone = Clone(directory / "clone")
    built = once("workspace", workspace.build) / "workspace"
    ignored = shutil.ignore_patterns(".git", "__pycache__")
    shutil.copytree(built, clone.directory, ignore=ignored, dirs_exist_ok=True)
    clone.run("git", "add", "--all")
    clone.run("git", "commit", "--quiet", "--message", "Train on digits")


def digits_clone(directory: Path) -> Clone:
    """Copy the clone of `build_digits`, whose DVC cache contains the data set, to `directory`."""
    return Clone.copy(once("digits", build_digits) / "clone", directory)
