"""Data sets that people have go all the way: import, training, sweep, comparison, prediction."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.clones import Clone
from helpers.digits import write_idx
from PIL import Image
from sklearn import datasets

pytestmark = pytest.mark.extended
FASHION = Path("/usr/share/datasets/fashion-mnist")  # of Debian's package dataset-fashion-mnist


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's 1,797 digits of 8 x 8 pixels, uint8, and their labels."""
    found = datasets.load_digits()
    return (found.images * 15.9375).astype(np.uint8), found.target


def as_png(place: Path) -> Path:
    """Write a directory of PNG files for each class."""
    for k, (image, label) in enumerate(zip(*digits(), strict=True)):
        (place / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / str(label) / f"{k}.png")
    return place


@pytest.mark.parametrize("write", [as_png, None], ids=["png", "idx"])
def test_it_is_imported_trained_compared_and_asked(
    tmp_path: Path, write: Callable[[Path], Path] | None
) -> None:
    if write is None and not FASHION.exists():
        pytest.skip("needs Debian's package dataset-fashion-mnist")
    source = write(tmp_path / "mine") if write else FASHION
    clone = Clone(tmp_path / "clone")
    assert "10 classes" in clone.run("python", "-m", "softmax", "data", "add", "mine", str(source))
    edits = "s/: mnist/: mine/; s/samples: .*/samples: [3, 7]/; s/validation: 0/validation: 200/"
    clone.run("sed", "-i", f"{edits}; s/learning_rate: 0.001/learning_rate: 0.05/", "params.yaml")
    clone.run("dvc", "repro", MNIST_MIRROR="")
    clone.run("git", "commit", "--quiet", "--all", "--message", "Train on mine")
    swept = clone.run("python", "-m", "softmax", "sweep", "train.learning_rate=0.01,0.1", "--json")
    assert max(one["test_accuracy"] for one in json.loads(swept)) > 0.8
    assert "All results are the same" in clone.run("python", "-m", "softmax", "compare", "HEAD")
    images, labels = digits()
    sevens = tmp_path / "sevens-idx3-ubyte"
    write_idx(sevens, images[labels == 7])
    asked = sevens if write else FASHION / "t10k-images-idx3-ubyte.gz"
    said = clone.run("python", "-m", "softmax", "predict", str(asked), "--json")
    answers = [one["class"] for one in json.loads(said)]
    assert write is None or answers.count("7") > 0.8 * len(answers)
