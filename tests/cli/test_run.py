"""Test the result that `softmax run` prints at the end."""

import json
from pathlib import Path

import pandas as pd
from helpers.shared import ROOT
from helpers.workspace import Workspace, error
from hypothesis import given
from hypothesis import strategies as st

from softmax.cli import pipeline
from softmax.pipeline import dvc_lock, paths


def test_run_prints_accuracy_next_steps_and_a_suggestion(workspace: Workspace) -> None:
    workspace.set(train={"epochs": 3, "batch_size": 64, "learning_rate": 0.001})
    workspace.run()
    lines = workspace.tool("run").out.splitlines()
    test = json.loads(paths.TEST_METRICS.read_text())
    assert f"{test['accuracy']:.2%} of 30 test images correct" in lines
    shown = dict(line.split(maxsplit=1) for line in lines if line.startswith(("weights ", "fig")))
    assert all(Path(place).is_dir() for place in shown.values())
    assert any("in the last epoch, about as much as in earlier epochs" in line for line in lines)
    shipped = pd.read_csv(ROOT / paths.EPOCHS)["train_loss"].tolist()
    assert (len(shipped), pipeline.suggestion(shipped)) == (5, "")


@given(st.integers(1, 30), st.floats(0.1, 0.4))
def test_a_flattening_loss_gives_no_suggestion(epochs: int, share: float) -> None:
    """Only a loss that falls steadily over at least three epochs gives a suggestion."""
    assert pipeline.suggestion([3 + share**k for k in range(epochs)]) == ""
    assert bool(pipeline.suggestion([3 - share * k / 30 for k in range(epochs)])) == (epochs > 2)


def test_a_corrupted_dvc_lock_is_reported_with_its_remedy(workspace: Workspace) -> None:
    dvc_lock.PATH.write_bytes(dvc_lock.PATH.read_bytes()[:10])
    line = error(workspace.tool("run"))
    assert line.startswith("dvc.lock is corrupted. Restore it with `git checkout HEAD -- dvc.lock`")
