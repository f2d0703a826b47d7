"""Data sets beside MNIST, from a directory to dvc.lock and MLflow, and one label that changes."""

import hashlib
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from clones import Clone
from mlflow import MlflowClient
from mlflow.entities import Run
from pinning.places import write_images

from softmax.core import model
from softmax.pipeline import paths
from softmax.pipeline.catalog import FILES


@pytest.fixture
def clone(team: Clone, tmp_path: Path) -> Clone:
    """The team's clone again, with its cache."""
    clone = Clone(tmp_path / "clone", team.folder)
    clone.environment = team.environment
    shutil.copytree(team.folder / ".dvc/cache", clone.folder / ".dvc/cache")
    return clone


def runs(clone: Clone) -> list[Run]:
    """The runs of models of the team's data set, newest first."""
    client = MlflowClient(clone.environment["MLFLOW_TRACKING_URI"])
    experiment = client.get_experiment_by_name("softmax-digits")
    return list(client.search_runs([experiment.experiment_id], order_by=["start_time DESC"]))


def digests(run: Run) -> dict[str, str]:
    """The digest of each data set that went into a run."""
    return {entry.dataset.name: entry.dataset.digest for entry in run.inputs.dataset_inputs}


def change_a_label(clone: Clone, mirror: Path, file: str) -> str:
    """Run the pipeline with another last label in a file of `mirror`; its SHA-256."""
    content = bytearray((mirror / file).read_bytes())
    content[-1] ^= 1
    (mirror / file).write_bytes(content)
    assert clone.make("pin", "NAME=digits", f"FROM={mirror}").returncode == 0
    clone.run("dvc", "repro", "evaluate", MNIST_MIRROR=str(mirror))
    return hashlib.sha256(content).hexdigest()


def test_a_changed_label_shows_in_the_lock_and_in_mlflow(clone: Clone, tmp_path: Path) -> None:
    before = runs(clone)
    mirror = tmp_path / "digits"
    shutil.copytree(clone.environment["MNIST_MIRROR"], mirror)
    sha256 = change_a_label(clone, mirror, FILES[1])
    changed = json.loads(clone.run("dvc", "params", "diff", "--json"))
    assert list(changed) == ["datasets.yaml"]
    assert list(changed["datasets.yaml"]) == [f"digits.{FILES[1]}"]
    assert f"+          {sha256}\n" in clone.run("git", "diff", "dvc.lock")
    assert "metrics/epochs.csv" in clone.run("git", "status", "--porcelain")
    (row, *others) = runs(clone)
    assert [run.info.run_id for run in others] == [run.info.run_id for run in before]
    old, new = digests(others[0]), digests(row)
    assert {name for name in new if new[name] != old[name]} == {"digits-training"}
    assert row.data.tags["dvc.data.md5"] != others[0].data.tags["dvc.data.md5"]

    change_a_label(clone, mirror, FILES[3])  # the same weights, and another score
    (scored, *others) = runs(clone)
    assert [run.info.run_id for run in others] == [
        row.info.run_id,
        *(r.info.run_id for r in before),
    ]
    metrics = json.loads((clone.folder / "metrics/test.json").read_text())
    assert scored.data.metrics["test_loss"] == metrics["loss"] != row.data.metrics["test_loss"]
    assert digests(scored)["digits-test"] != digests(row)["digits-test"]
    clone.run("python", "-m", "tools.track")
    assert len(runs(clone)) == len(before) + 2


def test_fashion_mnist_comes_from_a_directory(clone: Clone) -> None:
    """Not with its own images, which no registry has, so that it is pinned anew."""
    mirror = clone.environment["MNIST_MIRROR"]
    clone.edit("params.yaml", "dataset: digits", "dataset: fashion-mnist")
    assert "SHA-256 is" in clone.attempt("dvc", "repro", "download").stderr
    assert clone.make("pin", "NAME=fashion-mnist", f"FROM={mirror}").returncode == 0
    clone.run("dvc", "repro", "download")
    stages = yaml.safe_load((clone.folder / "dvc.lock").read_text())["stages"]
    outs = {out["path"] for out in stages["download"]["outs"]}
    assert outs == {f"data/fashion-mnist/{file}" for file in FILES}
    for out in outs:
        assert (clone.folder / out).read_bytes() == (Path(mirror) / Path(out).name).read_bytes()


def test_folders_of_rgb_images_become_a_model_of_their_classes(
    clone: Clone, tmp_path: Path
) -> None:
    """Nothing says where the images are but `make pin`."""
    write_images(tmp_path / "photos", {"cat": 40, "dog": 30, "owl": 50}, (20, 30, 3))
    printed = clone.make("pin", "NAME=photos", f"FROM={tmp_path / 'photos'}").stdout
    assert "of 20 x 30 RGB pixels, 3 classes" in printed
    clone.edit("params.yaml", "dataset: digits", "dataset: photos")
    done = clone.run("dvc", "repro", MNIST_MIRROR="")
    assert "download: photos from make pin" in done
    assert model.load(clone.folder / paths.WEIGHTS).shape == (3, 20 * 30 * 3 + 1)
    assert set(pd.read_csv(clone.folder / paths.CONFUSION).actual) == {"cat", "dog", "owl"}
    assert "owl" in (clone.folder / paths.REPORT).read_text()


@pytest.mark.parametrize("kept", ["cache", "remote"])
def test_what_dvc_keeps_is_enough_to_run_download_again(
    kept: str, team: Clone, tmp_path: Path
) -> None:
    """A teammate who never had the mirror edits code that download depends on."""
    clone = Clone(tmp_path / "clone", team.folder)
    clone.environment = team.environment
    remote = ("dvc", "remote", "add", "--local", "--default", "team", str(tmp_path / "remote"))
    if kept == "remote":
        team.run(*remote)
        team.run("dvc", "push", "--quiet", "download")
        team.run("dvc", "remote", "remove", "--local", "team")
        clone.run(*remote)
    else:
        shutil.copytree(team.folder / ".dvc/cache", clone.folder / ".dvc/cache")
    clone.edit("stages/download.py", "Bring the data set", "Fetch the data set")
    printed = clone.run("dvc", "repro", "--no-run-cache", "download", MNIST_MIRROR="")
    assert "download: digits from DVC's cache, 4 files verified" in printed
    assert "up to date" in clone.run("dvc", "status", "download")
    assert "data/digits" not in clone.run("git", "diff", "--unified=0", "dvc.lock")
