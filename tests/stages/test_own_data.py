"""Another label shows in dvc.lock and in MLflow."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from dvc.repo import Repo
from helpers.rows import rows
from helpers.workspace import Workspace

from softmax.pipeline.datasets import FILES


@pytest.mark.parametrize(("file", "stages"), [(1, ("train", "evaluate")), (3, ("evaluate",))])
def test_a_changed_label_shows_in_the_lock_and_in_mlflow(
    workspace: Workspace, file: int, stages: tuple[str, ...]
) -> None:
    workspace.tool("track")
    epochs = Path("metrics/epochs.csv").read_bytes()
    path = Path(shutil.copytree("data/digits", "mirror")) / FILES[file]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert workspace.tool("data add", "digits", "mirror").status == 0
    workspace.run("download", *stages)
    workspace.tool("track")

    with Repo() as repo:
        changed = repo.params.diff("HEAD")["diff"]
    assert [*changed] == ["datasets.yaml"]
    assert [*changed["datasets.yaml"]] == [f"digits.{FILES[file]}.sha256"]
    assert hashlib.sha256(content).hexdigest() in Path("dvc.lock").read_text()
    assert (Path("metrics/epochs.csv").read_bytes() == epochs) == (file == 3)
    new, old = rows(workspace.store)
    before, after = (
        {entry.dataset.name: entry.dataset.digest for entry in row.inputs.dataset_inputs}
        for row in (old, new)
    )
    assert {name for name in after if after[name] != before[name]} == {
        "digits-training" if file == 1 else "digits-test"
    }
    assert (new.data.tags["dvc.data.md5"] == old.data.tags["dvc.data.md5"]) == (file == 3)
    loss = json.loads(Path("metrics/test.json").read_text())["loss"]
    assert new.data.metrics["test_loss"] == loss != old.data.metrics["test_loss"]
