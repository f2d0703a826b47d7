"""The stages find their own Python and their own modules, whatever shell DVC is started from."""

import subprocess
from pathlib import Path

import pytest
from helpers.clones import BIN


@pytest.mark.usefixtures("workspace")
def test_a_stage_finds_its_own_modules_and_python() -> None:
    """That of the active environment, else of .venv, else the first on PATH."""

    def check(**environment: str) -> str:
        command = ["/bin/sh", "stages/python", "-m", "stages.check"]
        path = {"PATH": f"{BIN}:/usr/bin:/bin"}
        done = subprocess.run(command, env=path | environment, capture_output=True, text=True)  # noqa: PLW1510
        return done.stdout + done.stderr

    Path("another/stages").mkdir(parents=True)
    Path("another/stages/__init__.py").write_text("raise ImportError('another project')")
    assert check(PYTHONPATH="another") == "check: params.yaml is valid\n"
    assert check(PATH="").startswith("error: no Python here; `make repro` makes .venv")
    Path(".venv/bin").mkdir(parents=True)
    Path(".venv/bin/python").write_text("#!/bin/sh\necho own\n")
    Path(".venv/bin/python").chmod(0o755)
    assert check() == "own\n"
    assert check(VIRTUAL_ENV="/active") == "check: params.yaml is valid\n"
