"""Provide a tiny repository, in which stages and commands run in the process of the test."""

import importlib
import inspect
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from helpers import digits
from helpers.clones import copy_working_tree, git
from helpers.shared import LECTURE, ROOT, once
from helpers.stores import NOWHERE, empty_store
from softmax.pipeline import datasets, dvc_lock
from softmax.pipeline.recorder import Recorder

NEEDED = ("softmax", "stages", ".dvc", "metrics", "dvc.yaml", ".*ignore", "CITATION.cff")
STAGES = tuple(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])
MODEL = ("train", "evaluate", "export")  # the stages that log to a run in MLflow


class Printed(NamedTuple):
    """Contain the output of a command, and its exit status."""

    out: str
    err: str
    status: int


class Workspace:
    """A git and DVC repository with 530 images of 8 x 8 pixels, a copy of the code, and a store.

    Stages and commands run by calls of `main()`, with the repository as the working directory.
    """

    def __init__(
        self, directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.directory, self.monkeypatch, self.capsys = directory, monkeypatch, capsys
        self.store = f"sqlite:///{directory / 'mlflow.db'}"
        enter(directory, monkeypatch)

    def set(self, **changes: dict[str, Any]) -> None:
        """Change params: set(train={"epochs": 1})."""
        values = yaml.safe_load(Path("params.yaml").read_text())
        for section, others in changes.items():
            values[section] |= others
        Path("params.yaml").write_text(yaml.safe_dump(values))

    def run(self, *stages: str) -> Printed:
        """Run these stages, by default all except check and download, and write dvc.lock.

        The stages must succeed.
        """
        dvc_lock.PATH.unlink(missing_ok=True)  # stages reject inputs that differ from dvc.lock
        self.capsys.readouterr()
        run_stages(stages or STAGES[2:])
        write_lock()
        return Printed(*self.capsys.readouterr(), 0)

    def stage(self, name: str) -> Printed:
        """Run one stage, which may fail, without writing dvc.lock."""
        return self.call(f"stages.{name}")

    def tool(self, name: str, *arguments: object) -> Printed:
        """Run a command of `python -m softmax`, which may fail."""
        return self.call("softmax.cli.app", *name.split(), *arguments)

    def call(self, module: str, *arguments: object) -> Printed:
        """Call `main()` of a module with these command-line arguments."""
        self.monkeypatch.setattr(sys, "argv", [module, *map(str, arguments)])
        self.capsys.readouterr()
        status = 0
        try:
            importlib.import_module(module).main()
        except SystemExit as end:
            status = int(end.code or 0)
        return Printed(*self.capsys.readouterr(), status)

    def commit(self, message: str = "Train") -> str:
        """Commit everything to git and return the hash."""
        git(self.directory, "add", "--all")
        git(self.directory, "commit", "--quiet", "--message", message)
        return git(self.directory, "rev-parse", "HEAD").strip()

    def contents(self) -> dict[str, bytes]:
        """Return all inputs and outputs of stages, and dvc.lock, by path."""
        outputs = ("data", "images", "metrics", "models", "report")
        found = [path for name in outputs for path in Path(name).rglob("*") if path.is_file()]
        found += [path for path in (dvc_lock.PATH, Path("params.valid")) if path.exists()]
        return {str(path): path.read_bytes() for path in found}


def error(printed: Printed) -> str:
    """Assert that a command failed with status 2 and one line, and return the line."""
    assert printed.status == 2, printed
    assert printed.err.startswith("error: "), printed.err
    assert printed.err.count("\n") == 1, printed.err
    return printed.err.removeprefix("error: ").rstrip()


def enter(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the data sets and the store in `directory`, and log to MLflow in this process."""
    monkeypatch.chdir(directory)
    for name in ("MNIST_MIRROR", "DVC_ROOT", "DVC_EXP_NAME", "WORKERS"):
        monkeypatch.delenv(name, raising=False)
    # use an absolute path, because MLflow caches one database engine per URI
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{directory / 'mlflow.db'}")
    monkeypatch.setenv("DEVICE", "cpu")
    logging.getLogger("dvc").setLevel(logging.CRITICAL)  # DVC would log to a closed stream
    monkeypatch.setattr(sys, "path", [*sys.path])  # MLflow adds the code of models to sys.path
    monkeypatch.setattr(datasets, "PATH", directory / datasets.PATH.name)
    monkeypatch.setattr(datasets, "load", inspect.unwrap(datasets.load))  # without the cache
    monkeypatch.setattr(Recorder, "_connect", lambda _: None)
    monkeypatch.setattr(Recorder, "_ask", ask)


def ask(_: Recorder, request: dict[str, Any]) -> tuple[str, str]:
    """Log a stage in this process instead of the recorder's."""
    from softmax.tracking import recording  # here, because it imports MLflow, which is slow

    text, failure = recording.answer(json.loads(json.dumps(request)))
    return text, failure


def run_stages(names: tuple[str, ...]) -> None:
    """Run stages in this process, in this order."""
    for name in names:
        importlib.import_module(f"stages.{name}").main()


def write_lock() -> None:
    """Write dvc.lock for all stages whose inputs and outputs exist."""
    from dvc.repo import Repo  # here, because this import takes a second

    with Repo() as repo, repo.lock:
        stages = repo.index.stages
        ran = [s for s in stages if all(Path(f.fs_path).exists() for f in [*s.deps, *s.outs])]
        for stage in ran:
            stage.save()
            stage.commit()
        ran[0].dvcfile.dump_stages(ran, update_pipeline=False)


def build(directory: Path) -> None:
    """Build the repository, run all stages with one epoch of training, and commit."""
    place = directory / "workspace"
    copy_working_tree(place, only=NEEDED)
    digits.write(place / "data" / digits.NAME)
    entry = {digits.NAME: digits.entry(place / "data" / digits.NAME)}
    (place / "datasets.yaml").write_text(yaml.safe_dump(entry))
    values = yaml.safe_load(LECTURE.read_text())
    values["download"]["dataset"] = digits.NAME
    values["train"] |= {"epochs": 1, "batch_size": 2, "learning_rate": 0.004}
    values["evaluate"]["samples"] = [3, 7]
    values["export"]["scale"] = 2
    values["lesson"] |= {"points": 7, "epochs": 3}
    (place / "params.yaml").write_text(yaml.safe_dump(values))
    for lesson in (place / "metrics").glob("*.[cj]s*"):
        lesson.unlink()
    empty_store(place / "mlflow.db")
    git(place, "init", "--quiet")
    with pytest.MonkeyPatch.context() as monkeypatch:
        enter(place, monkeypatch)
        monkeypatch.setattr(sys, "argv", ["stages"])
        monkeypatch.setenv("MNIST_MIRROR", str(place / "data" / digits.NAME))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", NOWHERE)  # tests log their own runs
        run_stages(STAGES)
        write_lock()
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "Train on digits")
    git(place, "gc", "--quiet")  # reduces the files to copy by 200


def copy(directory: Path) -> Path:
    """Copy the repository of `build` to `directory`."""
    built = once("workspace", build) / "workspace"
    subprocess.run(["cp", "-a", built, directory], check=True)  # eight times as fast as shutil
    return directory
