"""What the documents point to is there, and all name one version."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from helpers.shared import ROOT

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]


@pytest.mark.parametrize("page", [*PAGES, ROOT / "dvc.yaml"], ids=lambda page: page.name)
def test_links_lead_somewhere_and_tests_that_are_named_exist(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]*)(?:#[\w-]+)?\)", page.read_text()):
        assert link.startswith("http") or (page.parent / link).exists(), link
    for name in re.findall(r"tests/[\w/]+\.(?:py|yaml)", page.read_text()):
        assert (ROOT / name).exists(), name


def test_all_name_the_version_of_the_newest_release() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    version, date = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (\S+)$", changelog, re.MULTILINE)[0]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (citation["version"], str(citation["date-released"])) == (version, date)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == version
