"""README's commands run as they stand, in a fresh shell, one after another."""

import os
import re
import shutil
import sys
import venv
from pathlib import Path

from helpers.clones import Clone
from helpers.shared import ROOT

LATER = {"make test", "make verify"}  # which take minutes; CI runs them


def commands() -> list[str]:
    """Return what a reader pastes: indented lines, without their comments."""
    lines = re.findall(r"^    (.+)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    return [line.split("#")[0].strip() for line in lines]


def install(clone: Clone) -> None:
    """Make the environment of the tests the clone's .venv, which a fresh shell activates."""
    environment, its = Path(sys.prefix), clone.directory / ".venv"
    venv.create(its)
    shutil.rmtree(its / "lib")
    (its / "lib").symlink_to(environment / "lib")
    for program in (environment / "bin").iterdir():
        if not (its / "bin" / program.name).exists():
            (its / "bin" / program.name).symlink_to(program)
    (its / "installed").touch()
    path = clone.environment["PATH"].split(os.pathsep)
    others = [place for place in path if Path(place) != environment / "bin"]
    clone.environment |= {"PATH": os.pathsep.join(others), "VIRTUAL_ENV": ""}


def test_its_commands_run_as_they_stand(mnist: Clone, tmp_path: Path) -> None:
    clone = Clone.copy(mnist, tmp_path / "clone")
    inside = dict(clone.environment)
    install(clone)
    said = clone.run("sh", "-ec", "\n".join(line for line in commands() if line not in LATER))
    assert "84.61% of 10,000 test images correct (the lecture: 84.77%)\n" in said
    assert set(commands()) >= LATER
    clone.environment = inside
    clone.assert_clean()
