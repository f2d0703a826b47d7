"""Data sets beside MNIST, from a directory to dvc.lock and MLflow, and one label that changes."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers.workspace import Workspace

from softmax.pipeline.catalog import FILES


@pytest.fixture
def mirror(workspace: Workspace) -> Path:
    """A directory of the four files of the workspace's data set."""
    return Path(shutil.copytree(workspace.directory / "data/digits", "mirror"))


def rows(store: str) -> list[Any]:
    """Return the runs of models, newest first."""
    from mlflow import MlflowClient

    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("softmax-digits")
    return list(client.search_runs([experiment.experiment_id], order_by=["start_time DESC"]))


def digests(row: Any) -> dict[str, str]:
    """Return the digest of each data set that went into a run."""
    return {entry.dataset.name: entry.dataset.digest for entry in row.inputs.dataset_inputs}


def change_a_label(workspace: Workspace, path: Path) -> str:
    """Pin the data again with another last label in a file; return the SHA-256 of that."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert workspace.tool("pin", "digits", path.parent).status == 0
    return hashlib.sha256(content).hexdigest()


def test_a_changed_label_shows_in_the_lock_and_in_mlflow(
    workspace: Workspace, mirror: Path
) -> None:
    from dvc.repo import Repo

    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", workspace.store)
    workspace.run("train", "evaluate")
    workspace.tool("track")
    (old,), before = rows(workspace.store), workspace.contents()
    sha256 = change_a_label(workspace, mirror / FILES[1])
    workspace.run("download", "train", "evaluate")
    assert workspace.tool("track").status == 0
    with Repo() as repo:
        changed = repo.params.diff("HEAD")["diff"]
    assert list(changed) == ["datasets.yaml"]
    assert list(changed["datasets.yaml"]) == [f"digits.{FILES[1]}"]
    assert sha256 in Path("dvc.lock").read_text()
    assert workspace.contents()["metrics/epochs.csv"] != before["metrics/epochs.csv"]
    new, *others = rows(workspace.store)
    assert [row.info.run_id for row in others] == [old.info.run_id]
    assert {name for name in digests(new) if digests(new)[name] != digests(old)[name]} == {
        "digits-training"
    }
    assert new.data.tags["dvc.data.md5"] != old.data.tags["dvc.data.md5"]

    change_a_label(workspace, mirror / FILES[3])  # the same weights, and another score
    workspace.run("download", "evaluate")
    scored, *others = rows(workspace.store)
    assert [row.info.run_id for row in others] == [new.info.run_id, old.info.run_id]
    loss = json.loads(Path("metrics/test.json").read_text())["loss"]
    assert scored.data.metrics["test_loss"] == loss != new.data.metrics["test_loss"]
    assert digests(scored)["digits-test"] != digests(new)["digits-test"]


def test_what_dvc_keeps_is_enough_to_run_download_again(workspace: Workspace) -> None:
    before = workspace.contents()
    shutil.rmtree("data")
    workspace.monkeypatch.setenv("MNIST_MIRROR", "/no/such/directory")
    printed = workspace.stage("download")
    assert printed.out == "download: digits from DVC's cache, 4 files verified\n"
    assert workspace.contents() == before
