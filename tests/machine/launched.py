"""Several workers, started as people start them, and what a worker gives alone."""

import subprocess
from pathlib import Path

import pytest
from old_fixtures import Workspace
from shared import ROOT, forking

from softmax.pipeline import paths

FACTS = (paths.WEIGHTS, paths.LOSSES, paths.EPOCHS, paths.TRAIN_METRICS)
TRAIN = ["python", "-m", "stages.train"]
SETTINGS = {"epochs": 2, "batch_size": 2, "validation": 289}  # 106 batches, smaller than 3 workers


def start(
    command: list[str], folder: Path = Path(), /, **environment: str
) -> subprocess.Popen[str]:
    """Run `command` in `folder` with these settings."""
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**forking(), "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def succeed(process: subprocess.Popen[str]) -> str:
    """What the process prints, once it has ended well."""
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out


def facts(folder: Path = Path()) -> list[bytes]:
    """The outputs of the train stage."""
    return [(folder / path).read_bytes() for path in FACTS]


@pytest.fixture(name="known", scope="module")
def _known() -> list[bytes]:
    """What `alone` found at its first use."""
    return []


@pytest.fixture(name="alone")
def _alone(workspace: Workspace, known: list[bytes]) -> list[bytes]:
    """The outputs of a worker that trains alone, which are then removed."""
    workspace(train=SETTINGS)
    if not known:
        succeed(start(TRAIN))
        known += facts()
        for path in FACTS:
            path.unlink()
    return known
