"""One version, wherever it is said."""

import re
import tomllib

import yaml
from helpers.shared import ROOT


def test_all_name_the_version_of_the_newest_release() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    version, date = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (\S+)$", changelog, re.MULTILINE)[0]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (citation["version"], str(citation["date-released"])) == (version, date)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == version
