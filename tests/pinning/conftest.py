"""What tests of `make pin` use."""

import shutil
from pathlib import Path

import pytest
from helpers.shared import ROOT
from helpers.workspace import Workspace
from pinning.pins import Pin

from softmax.pipeline import catalog


@pytest.fixture
def pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Pin:
    """`make pin`, run in a directory that holds only the datasets.yaml of this repository."""
    directory = tmp_path / "workspace"
    directory.mkdir()
    shutil.copy(ROOT / catalog.PATH.name, directory)
    return Pin(Workspace(directory, monkeypatch, capsys))
