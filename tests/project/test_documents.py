"""The documents: links, versions, words, and the tables that the code gives."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from helpers.shared import ROOT

from docs import configuration

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
HABITS = (
    r"\b(anew|likewise|whole|mend(s|ed)?|torn|of before|so that|what takes|colour\w*|centre\w*|"
    r"pictures?|folders?|held-out)\b"
)


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", [*PAGES, ROOT / "dvc.yaml"], ids=lambda page: page.name)
def test_links_lead_somewhere_and_tests_that_are_named_exist(page: Path) -> None:
    for link, place in re.findall(r"\]\((?!http)([^)#]*)(?:#([\w-]+))?\)", page.read_text()):
        target = page.parent / link if link else page
        assert target.exists(), link
        headings = re.findall(r"^#+ (.*)", target.read_text(), re.M) if place else [""]
        assert place in map(anchor, headings), f"{link}#{place}"
    for name in re.findall(r"tests/[\w/]+\.(?:py|yaml)", page.read_text()):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_documents_avoid_the_worst_habits(page: Path) -> None:
    """CONTRIBUTING's table shows some of them, and the changelog keeps old entries."""
    text = re.split(r"\| instead of|## \[1\.0\.0\]", page.read_text())[0]
    assert [found[0] for found in re.finditer(HABITS, text, re.IGNORECASE)] == []


def test_the_index_has_every_page() -> None:
    index = (ROOT / "docs/README.md").read_text()
    listed = re.findall(r"^- \[[\w-]+\]\(([\w-]+\.md)\): ", index, re.M)
    assert sorted([*listed, "README.md"]) == sorted(
        path.name for path in (ROOT / "docs").glob("*.md")
    )


def test_configuration_has_what_the_code_has() -> None:
    """`python -m docs.configuration` renews the tables of parameters and commands."""
    text = configuration.PAGE.read_text()
    assert configuration.page(text) == text
    assert "| ? |" not in text
    used = r"""environ(?:\.\w+\(|\[)["'](\w+)|"((?:DVC|LOCAL|MLFLOW|MNIST|PET|PG|RES_O)_?[A-Z_]+)"""
    for path in (ROOT / "softmax").rglob("*.py"):
        for names in re.findall(used, path.read_text()):
            assert f"`{''.join(names)}" in text, path


def test_all_name_the_version_of_the_newest_release() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    version, date = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (\S+)$", changelog, re.MULTILINE)[0]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (citation["version"], str(citation["date-released"])) == (version, date)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == version
