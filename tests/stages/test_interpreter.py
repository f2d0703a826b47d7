"""The stages find their own Python and their own modules, whatever shell DVC is started from."""

import shutil
import subprocess
from pathlib import Path

import pytest
from clones import Clone
from shared import ROOT

ANOTHER = "raise ImportError('this is another project')"


@pytest.fixture
def clone(team: Clone, tmp_path: Path) -> Clone:
    """A clone with an environment that nobody has activated."""
    clone = Clone.copy(team.folder, tmp_path / "clone")
    clone.environment |= team.environment
    clone.environment |= clone.give_environment()
    return clone


@pytest.fixture
def another(tmp_path: Path) -> str:
    """A project with packages of the same names."""
    for name in ("softmax", "stages"):
        (tmp_path / "another" / name).mkdir(parents=True)
        (tmp_path / "another" / name / "__init__.py").write_text(ANOTHER)
    return str(tmp_path / "another")


def test_in_a_fresh_shell(clone: Clone) -> None:
    clone.run(".venv/bin/dvc", "repro", "--force", "evaluate")
    assert clone.run("git", "status", "--porcelain") == ""


def test_in_an_experiment_in_a_folder_of_its_own(clone: Clone) -> None:
    clone.run(".venv/bin/dvc", "exp", "run", "--temp", "-S", "train.epochs=1", "check")


@pytest.mark.parametrize("name", ["PYTHONSAFEPATH", "PYTHONPATH", "CONDA_PREFIX"])
def test_whatever_is_set(clone: Clone, another: str, name: str) -> None:
    check = (".venv/bin/dvc", "repro", "--force", "--single-item", "check")
    clone.run(*check, **{name: another})


def test_in_an_environment_that_is_active(team: Clone, tmp_path: Path) -> None:
    """Which goes before .venv."""
    clone = Clone.copy(team.folder, tmp_path / "clone")
    (clone.folder / ".venv/bin").mkdir(parents=True)
    (clone.folder / ".venv/bin/python").write_text("#!/bin/sh\nexit 1\n")
    (clone.folder / ".venv/bin/python").chmod(0o755)
    clone.run("sh", "stages/python", "-m", "stages.check", VIRTUAL_ENV="/active")
    assert clone.attempt("sh", "stages/python", "-m", "stages.check", VIRTUAL_ENV="").returncode


def test_without_any_python_a_line_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(shutil.which("sh")), str(ROOT / "stages/python"), "-m", "stages.check"],
        cwd=tmp_path,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: no Python here; `make repro` makes .venv")
