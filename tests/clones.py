"""Clones of the repository in which commands run, on real MNIST or on a small data set."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from digits import write_mnist
from servers import empty_store
from shared import LECTURE, ROOT, forking, once

from softmax.pipeline import catalog

COMMITTER = {
    "GIT_AUTHOR_NAME": "tests",
    "GIT_AUTHOR_EMAIL": "tests@localhost",
    "GIT_COMMITTER_NAME": "tests",
    "GIT_COMMITTER_EMAIL": "tests@localhost",
}


class Clone:
    """A clone of the repository, or of `source`, and the commands that run in it."""

    def __init__(self, folder: Path, source: Path | None = None) -> None:
        source = source or once("repository", copy_commit)
        subprocess.run(["git", "clone", "--quiet", source, folder], check=True)
        self.enter(folder)
        self.give_store()  # to make one takes seconds

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
        self.environment = {**forking(), **COMMITTER}
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
        empty_store(self.folder / "mlflow.db")

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

    def drop(self, *stages: str) -> None:
        """Take stages out of the pipeline and its lock."""
        blocks = re.compile(rf"^  ({'|'.join(stages)}):\n(    .*\n|\n)+", re.MULTILINE)
        for name in ("dvc.yaml", "dvc.lock"):
            path = self.folder / name
            path.write_text(blocks.sub("", path.read_text()))

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


def copy_commit(folder: Path) -> None:
    """Make a repository of what is committed here, as its only commit.

    DVC hands the whole history to each experiment with a folder of its own.
    """

    def git(*command: str) -> None:
        subprocess.run(["git", *command], cwd=folder, env=os.environ | COMMITTER, check=True)

    files = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True)
    subprocess.run(["tar", "--extract"], cwd=folder, input=files.stdout, check=True)
    git("init", "--quiet", "--initial-branch=main")
    git("add", "--all", "--force")
    git("commit", "--quiet", "--message", "Copy what is committed")
    git("gc", "--quiet")  # a pack is copied sooner than its files


def run_pipeline(folder: Path) -> None:
    """Make the clone of `pipeline`."""
    clone = Clone(folder / "clone")
    shutil.copy(LECTURE, clone.folder / "params.yaml")
    data = ROOT / catalog.directory("mnist")
    clone.run("dvc", "repro", "--force", **{"MNIST_MIRROR": str(data)} if data.exists() else {})
    clone.run("git", "commit", "--quiet", "--all", "--message", "Train as in the lecture")


def run_short(folder: Path) -> None:
    """Make a clone of `pipeline` with an experiment, `short`, of another model and its score."""
    clone = Clone.copy(once("pipeline", run_pipeline) / "clone", folder / "clone")
    change = ("-S", "train.learning_rate=0.1", "-S", "train.epochs=1")
    clone.run("dvc", "exp", "run", "--temp", "--name", "short", *change, "evaluate")


def run_team(folder: Path) -> None:
    """Make the data set, the clone and the store of `team`."""
    write_mnist(folder / "digits")
    empty_store(folder / "mlflow.db")
    clone = Clone(folder / "clone")
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
