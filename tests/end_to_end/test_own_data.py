"""A directory of photos becomes a model of its classes, and a teammate's data."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from helpers.clones import Clone
from helpers.shared import LECTURE
from PIL import Image

from softmax.core import model
from softmax.pipeline import paths

COUNTS = {"cat": 40, "dog": 30, "owl": 50}


def test_photos_become_a_model_and_a_teammate_needs_only_the_remote(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name, count in COUNTS.items():
        (tmp_path / "photos" / name).mkdir(parents=True)
        for k in range(count):
            pixels = random.integers(256, size=(20, 30, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{k}.png")
    clone = Clone(tmp_path / "clone")
    printed = clone.softmax("data", "add", "photos", str(tmp_path / "photos")).stdout
    assert "of 20 x 30 RGB pixels, 3 classes" in printed
    shutil.copy(LECTURE, clone.directory / "params.yaml")
    clone.edit("params.yaml", "dataset: mnist", "dataset: photos")
    clone.edit("params.yaml", "[1802, 1100, 217]", "[3, 7]")
    assert "download: photos from DVC's cache" in clone.run("dvc", "repro", MNIST_MIRROR="")
    assert model.load(clone.directory / paths.WEIGHTS).shape == (3, 20 * 30 * 3 + 1)
    assert set(pd.read_csv(clone.directory / paths.CONFUSION).actual) == {*COUNTS}
    assert "owl" in (clone.directory / paths.REPORT).read_text()

    clone.run("dvc", "remote", "add", "--default", "team", str(tmp_path / "remote"))
    clone.run("dvc", "push", "--quiet", "download")
    clone.run("git", "add", "--all")
    clone.run("git", "commit", "--quiet", "--message", "Train on photos")
    teammate = Clone(tmp_path / "teammate", clone.directory)
    teammate.edit("stages/download.py", "Bring the data set", "Fetch the data set")
    printed = teammate.run("dvc", "repro", "--no-run-cache", "download", MNIST_MIRROR="")
    assert "download: photos from DVC's cache, 4 files verified" in printed
    assert "data/photos" not in teammate.run("git", "diff", "--unified=0", "dvc.lock")
