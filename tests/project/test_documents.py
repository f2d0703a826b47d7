"""Test links, commands, versions and phrases of the documents, and the tables written by code."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import dvc.cli
import pytest
import yaml
from helpers.shared import ROOT

from docs import configuration
from softmax.cli import app

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
HABITS = (
    r"\b(anew|likewise|whole|mend(s|ed)?|torn|of before|so that|what takes|colour\w*|centre\w*|"
    r"pictures?|folders?|held-out)\b"
)


def anchor(heading: str) -> str:
    """Return the anchor that GitHub makes from a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", [*PAGES, ROOT / "dvc.yaml"], ids=lambda page: page.name)
def test_links_and_named_tests_exist(page: Path) -> None:
    for link, place in re.findall(r"\]\((?!http)([^)#]*)(?:#([\w-]+))?\)", page.read_text()):
        target = page.parent / link if link else page
        assert target.exists(), link
        headings = re.findall(r"^#+ (.*)", target.read_text(), re.M) if place else [""]
        assert place in map(anchor, headings), f"{link}#{place}"
    for name in re.findall(r"tests/[\w/]+\.(?:py|yaml)", page.read_text()):
        assert (ROOT / name).exists(), name


def documented() -> Iterator[str]:
    """Yield each softmax and dvc command in the code blocks of all pages."""
    for page in PAGES:
        for block in re.findall(r"^```(?:bash|console)\n(.*?)^```", page.read_text(), re.M | re.S):
            lines = block.replace("\\\n", "")
            command = r"(?:^|\$ |&& )(?:\w+=\S+ )*((?:softmax|dvc) [^#&>\n]*)"
            yield from map(str.strip, re.findall(command, lines, re.M))


@pytest.mark.parametrize("line", sorted({*documented()}))
def test_programs_accept_the_documented_commands(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parse the commands with Click and DVC. Other tests run many of them."""
    program, *rest = shlex.split(line)
    if program == "dvc":
        monkeypatch.setattr("sys.argv", ["dvc"])  # DVC reads its first options from sys.argv
        dvc.cli.parse_args(rest)
        return
    command: click.Command = app.program
    while isinstance(command, click.Group):
        command = command.commands[rest.pop(0)]
    command.make_context(command.name, rest)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_documents_avoid_listed_phrases(page: Path) -> None:
    """Skip the table in CONTRIBUTING.md and old entries of the changelog, which may use them."""
    text = re.split(r"\| instead of|## \[1\.0\.0\]", page.read_text())[0]
    assert [found[0] for found in re.finditer(HABITS, text, re.IGNORECASE)] == []


def test_the_index_lists_every_page() -> None:
    index = (ROOT / "docs/README.md").read_text()
    listed = re.findall(r"^- \[[\w-]+\]\(([\w-]+\.md)\): ", index, re.M)
    assert sorted([*listed, "README.md"]) == sorted(
        path.name for path in (ROOT / "docs").glob("*.md")
    )


def test_the_configuration_page_matches_the_code() -> None:
    """`python -m docs.configuration` renews the tables of parameters and commands."""
    text = configuration.PAGE.read_text()
    assert configuration.page(text) == text
    assert "| ? |" not in text
    used = r"""environ(?:\.\w+\(|\[)["'](\w+)|"((?:DVC|LOCAL|MLFLOW|MNIST|PET|PG|RES_O)_?[A-Z_]+)"""
    for path in (ROOT / "softmax").rglob("*.py"):
        for names in re.findall(used, path.read_text()):
            assert f"`{''.join(names)}" in text, path


def test_all_files_name_the_latest_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    version, date = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (\S+)$", changelog, re.MULTILINE)[0]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (citation["version"], str(citation["date-released"])) == (version, date)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == version
