"""Provide `softmax data add` to tests."""

import shutil
from pathlib import Path

import pytest
from helpers.shared import ROOT
from helpers.workspace import Workspace
from importing.data_add import PLACE, Add

from softmax.pipeline import datasets


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Add:
    """Return `softmax data add` in a directory with the project's datasets.yaml and empty data."""
    shutil.copy(ROOT / datasets.PATH.name, tmp_path)
    (tmp_path / PLACE).mkdir()
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("[core]\n    no_scm = true\n")
    return Add(Workspace(tmp_path, monkeypatch, capsys))
