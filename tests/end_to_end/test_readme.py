"""The commands of README and of the tutorial run as they stand, in a fresh shell."""

import os
import re
import shutil
import sys
import venv
from pathlib import Path

from helpers.clones import Clone
from helpers.shared import ROOT

LATER = {"make verify"}  # which takes minutes; CI runs it


def blocks(page: str, language: str) -> list[str]:
    """Return the lines of all code blocks of a language."""
    found = re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.M | re.S)
    return "".join(found).splitlines()


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


def test_commands_of_the_readme(mnist: Clone, tmp_path: Path) -> None:
    clone = Clone.copy(mnist, tmp_path / "clone")
    inside = dict(clone.environment)
    install(clone)
    commands = [line.split("#")[0].strip() for line in blocks("README.md", "bash")]
    printed = clone.run("sh", "-ec", "\n".join(line for line in commands if line not in LATER))
    shown = blocks("README.md", "console")
    assert shown[1] in printed.splitlines()
    assert clone.run("sh", "-c", shown[2].removeprefix("$ ")) == shown[3] + "\n"
    clone.environment = inside
    clone.assert_clean()


def test_commands_of_the_tutorial_print_what_it_shows(mnist: Clone, tmp_path: Path) -> None:
    """Each line of its output, in order; `...` stands for the lines that are left out."""
    clone = Clone.copy(mnist, tmp_path / "clone")
    install(clone)
    shown = blocks("docs/tutorial.md", "console")
    commands = [line.removeprefix("$ ") for line in shown if line.startswith("$ ")]
    printed = clone.run("bash", "-ec", "\n".join(commands)).replace("*", "")
    lines = iter(printed.splitlines())
    expected = [line for line in shown if line != "..." and not line.startswith("$ ")]
    assert [line for line in expected if line not in lines] == []
