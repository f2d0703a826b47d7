"""`softmax run` ends with the result."""

import json
from pathlib import Path

from helpers.workspace import Workspace, error

from softmax.pipeline import dvc_lock, paths


def test_it_ends_with_the_accuracy_and_where_to_look(workspace: Workspace) -> None:
    lines = workspace.tool("run").out.splitlines()
    test = json.loads(paths.TEST_METRICS.read_text())
    assert f"{test['accuracy']:.2%} of 30 test images correct" in lines  # not that of the lecture
    shown = dict(line.split(maxsplit=3)[::3] for line in lines if line.startswith("weights as"))
    assert Path(shown["weights"]).is_dir()


def test_a_corrupted_lock_is_reported_with_its_remedy(workspace: Workspace) -> None:
    dvc_lock.PATH.write_bytes(dvc_lock.PATH.read_bytes()[:10])
    line = error(workspace.tool("run"))
    assert line.startswith("dvc.lock is corrupted. Restore it with `git checkout HEAD -- dvc.lock`")
