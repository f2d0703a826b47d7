"""Run the commands of the README and of the tutorial unchanged in a new shell."""

import os
import re
import shutil
import venv
from pathlib import Path

import pytest
from helpers.clones import BIN, Clone
from helpers.shared import ROOT

SKIPPED = {"make verify"}  # takes minutes; CI runs it
PLACES = os.environ["PATH"].split(os.pathsep)
FRESH = {"PATH": os.pathsep.join(p for p in PLACES if Path(p) != BIN), "VIRTUAL_ENV": ""}


def blocks(page: str, language: str) -> list[str]:
    """Return the lines of all code blocks of `page` in `language`."""
    found = re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.M | re.S)
    return "".join(found).splitlines()


@pytest.fixture(scope="module")
def clone(mnist: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Return a clone whose .venv contains the packages of the tests' environment.

    Both tests use one clone, so the second finds the models of the first in DVC's run cache.
    """
    clone = Clone.copy(mnist, tmp_path_factory.mktemp("readme") / "clone")
    its = clone.directory / ".venv"
    venv.create(its)
    shutil.rmtree(its / "lib")
    (its / "lib").symlink_to(BIN.parent / "lib")
    for program in BIN.iterdir():
        if not (its / "bin" / program.name).exists():
            (its / "bin" / program.name).symlink_to(program)
    (its / "installed").touch()
    return clone


def test_commands_of_the_readme_print_what_it_shows(clone: Clone) -> None:
    commands = [line.split("#")[0].strip() for line in blocks("README.md", "bash")]
    script = "\n".join(line for line in commands if line not in SKIPPED)
    printed = clone.run("sh", "-ec", script, **FRESH)
    shown = blocks("README.md", "console")
    assert shown[1] in printed.splitlines()
    assert clone.run("sh", "-c", shown[2].removeprefix("$ ")) == shown[3] + "\n"
    clone.assert_clean()


def test_commands_of_the_tutorial_print_what_it_shows(clone: Clone) -> None:
    """Expect all shown lines in the same order; `...` in the tutorial stands for omitted lines."""
    shown = blocks("docs/tutorial.md", "console")
    commands = [line.removeprefix("$ ") for line in shown if line.startswith("$ ")]
    printed = clone.run("bash", "-ec", "\n".join(commands), **FRESH).replace("*", "")
    lines = iter(printed.splitlines())
    expected = [line for line in shown if line != "..." and not line.startswith("$ ")]
    assert [line for line in expected if line not in lines] == []
