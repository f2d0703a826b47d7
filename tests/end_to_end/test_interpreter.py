"""The stages find their own Python and their own modules, whatever shell DVC is started from."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.clones import BIN
from helpers.shared import ROOT
from helpers.workspace import Workspace

ANOTHER = "raise ImportError('this is another project')"


def run_check(directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the stage check as dvc.yaml does, with the Python of the tests first on PATH."""
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    return subprocess.run(
        [str(shutil.which("sh")), "stages/python", "-m", "stages.check"],
        cwd=directory,
        env=os.environ | {"PATH": path, "VIRTUAL_ENV": ""} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["PYTHONSAFEPATH", "PYTHONPATH"])
def test_another_project_with_packages_of_the_same_names_is_not_imported(
    workspace: Workspace, tmp_path: Path, name: str
) -> None:
    for package in ("softmax", "stages"):
        (tmp_path / "another" / package).mkdir(parents=True)
        (tmp_path / "another" / package / "__init__.py").write_text(ANOTHER)
    done = run_check(workspace.directory, **{name: str(tmp_path / "another")})
    assert done.stdout == "check: params.yaml is valid\n", done.stderr


def test_an_active_environment_goes_before_the_own_one_and_that_before_path(
    workspace: Workspace, tmp_path: Path
) -> None:
    """In the directory of an experiment, too."""
    for name, programs in {"active": tmp_path / "active/bin", "own": Path(".venv/bin")}.items():
        programs.mkdir(parents=True)
        (programs / "python").write_text(f"#!/bin/sh\necho {name}\n")
        (programs / "python").chmod(0o755)
    active = {"VIRTUAL_ENV": "/active", "PATH": f"{tmp_path / 'active/bin'}:/usr/bin:/bin"}
    assert run_check(workspace.directory, **active).stdout == "active\n"
    assert run_check(workspace.directory).stdout == "own\n"
    experiment = workspace.directory / ".dvc/tmp/exps/tmp1"
    shutil.copytree("stages", experiment / "stages")
    assert run_check(experiment).stdout == "own\n"


def test_without_any_python_a_line_says_what_to_do(workspace: Workspace) -> None:
    done = run_check(workspace.directory, PATH=str(workspace.directory))
    assert done.returncode == 2
    assert done.stderr.startswith("error: no Python here; `make repro` makes .venv")


def test_make_repro_names_the_stages_that_ran(workspace: Workspace) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.repro", "--force", "--single-item", "check"],
        cwd=workspace.directory,
        env=os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    rows = "\nran                check\nalready there      download, train, evaluate, export, "
    assert rows in done.stdout, done.stderr


def test_ctrl_c_leaves_no_traceback_while_a_stage_is_imported() -> None:
    """It imports torch for longer than this waits."""
    stage = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "stages.lesson"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": ""},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert stage.stderr
    while "stages" not in stage.stderr.readline():
        assert stage.poll() is None
    time.sleep(0.5)
    stage.send_signal(signal.SIGINT)
    assert "Traceback" not in stage.communicate()[1]
    assert stage.returncode in (-signal.SIGINT, 130)
