"""Run users' own data through the complete pipeline, as docs/data.md describes."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.clones import Clone
from helpers.digits import write_idx
from helpers.shared import ROOT
from importing.data_add import write_images
from PIL import Image
from sklearn import datasets

from softmax.core import model
from softmax.pipeline import dvc_lock, files, paths

COUNTS = {"mine": {"cat": 40, "dog": 30, "owl": 50}, "more": {"cat": 10, "fox": 20}}


def test_the_guide_to_own_data_works_for_two_versions_and_a_teammate(tmp_path: Path) -> None:
    for version, counts in COUNTS.items():
        write_images(tmp_path / version, counts, (20, 30, 3))
    for path in [*(tmp_path / "more").glob("*/*")]:
        path.rename(path.with_stem(f"more-{path.stem}"))
    (tmp_path / "mine/cat/000.png").rename(tmp_path / "mine/cat/1.png")
    story = (ROOT / "docs/data.md").read_text().split("\n## ")[1]
    story = story.replace(" /data/", f" {tmp_path}/")
    blocks = re.findall(r"^```bash\n(.*?)^```", story, re.MULTILINE | re.DOTALL)
    first, second, teammates = (block.splitlines() for block in blocks)
    clone = Clone(tmp_path / "clone")
    clone.run("dvc", "remote", "add", "--default", "team", str(tmp_path / "remote"))

    def follow(clone: Clone, lines: list[str]) -> str:
        return "".join(clone.run("bash", "-ec", line, MNIST_MIRROR="") for line in lines)

    output = follow(clone, first)
    assert "of 20 x 30 RGB pixels, 3 classes" in output
    assert "download: mine from DVC's cache, 4 files verified" in output
    assert model.load(clone.directory / paths.WEIGHTS).shape == (3, 20 * 30 * 3 + 1)
    weights = files.sha256(clone.directory / paths.WEIGHTS)
    assert set(pd.read_csv(clone.directory / paths.CONFUSION).actual) == {"cat", "dog", "owl"}
    assert "owl" in (clone.directory / paths.REPORT).read_text()
    assert "Classes added: fox." in follow(clone, second)

    teammate = Clone(tmp_path / "teammate", clone.directory)
    assert "download: mine from DVC's cache" in follow(teammate, teammates[:1])
    assert files.sha256(teammate.directory / paths.WEIGHTS) == weights
    output = follow(teammate, teammates[1:])
    assert dvc_lock.load(teammate.directory) == dvc_lock.load(clone.directory)
    assert "1 with a different label" in output
    assert "test images in both sets with the same label" in output
    assert len([*(tmp_path / "mine-v1").iterdir()]) == 4
    teammate.run("rm", "-rf", ".dvc/cache", str(tmp_path / "remote"), "data")
    done = teammate.attempt("python", "-m", "stages.download", MNIST_MIRROR="")
    assert "error: mine: this version is not in DVC's cache and could not be pulled" in done.stderr


@pytest.mark.extended
def test_own_images_can_be_imported_trained_on_and_predicted(tmp_path: Path) -> None:
    found = datasets.load_digits()  # 1,797 images of 8 x 8 pixels from 0 to 16
    images, labels = (found.images * 15.9375).astype(np.uint8), found.target
    source, asked = tmp_path / "mine", tmp_path / "sevens-idx3-ubyte"
    for k, (image, label) in enumerate(zip(images, labels, strict=True)):
        (source / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(source / str(label) / f"{k}.png")
    write_idx(asked, images[labels == 7])
    clone = Clone(tmp_path / "clone")
    assert "10 classes" in clone.run("python", "-m", "softmax", "data", "add", "mine", str(source))
    edits = "s/: mnist/: mine/; s/samples: .*/samples: [3, 7]/; s/validation: 0/validation: 200/"
    clone.run("sed", "-i", f"{edits}; s/learning_rate: 0.001/learning_rate: 0.05/", "params.yaml")
    clone.run("dvc", "repro", MNIST_MIRROR="")
    clone.run("git", "commit", "--quiet", "--all", "--message", "Train on mine")
    swept = clone.run("python", "-m", "softmax", "sweep", "train.learning_rate=0.01,0.1", "--json")
    assert max(one["test_accuracy"] for one in json.loads(swept)) > 0.8
    assert "All results are the same" in clone.run("python", "-m", "softmax", "compare", "HEAD")
    output = clone.run("python", "-m", "softmax", "predict", str(asked), "--json")
    answers = [one["class"] for one in json.loads(output)]
    assert answers.count("7") > 0.8 * len(answers)
