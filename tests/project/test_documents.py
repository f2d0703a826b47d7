"""What the documents point to is there."""

import re
from pathlib import Path

import pytest
from helpers.shared import ROOT

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]*)(?:#[\w-]+)?\)", page.read_text()):
        assert link.startswith("http") or (page.parent / link).exists(), link


@pytest.mark.parametrize("page", [*PAGES, ROOT / "dvc.yaml"], ids=lambda page: page.name)
def test_the_tests_that_they_name_exist(page: Path) -> None:
    for name in re.findall(r"tests/[\w/]+\.(?:py|yaml)", page.read_text()):
        assert (ROOT / name).exists(), name
