"""Data sets that people have go all the way: import, training, sweep, comparison, prediction."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def as_csv(place: Path) -> Path:
    """Write a column of labels and 64 of pixels."""
    images, labels = digits()
    names = ",".join(["label", *(f"p{k}" for k in range(64))])
    table = np.column_stack([labels, images.reshape(-1, 64)])
    np.savetxt(place.with_suffix(".csv"), table, "%d", ",", header=names, comments="")
    return place.with_suffix(".csv")


def as_npz(place: Path) -> Path:
    """Write the arrays that Keras would, the last 300 images for the test."""
    x, y = digits()
    arrays: dict[str, Any] = {
        "x_train": x[:-300],
        "y_train": y[:-300],
        "x_test": x[-300:],
        "y_test": y[-300:],
    }
    np.savez(place.with_suffix(".npz"), **arrays)
    return place.with_suffix(".npz")


@pytest.mark.parametrize("write", [as_png, as_csv, as_npz, None], ids=["png", "csv", "npz", "idx"])
def test_it_is_imported_trained_compared_and_asked(
    tmp_path: Path, write: Callable[[Path], Path] | None
) -> None:
    if write is None and not FASHION.exists():
        pytest.skip("needs Debian's package dataset-fashion-mnist")
    source = write(tmp_path / "mine") if write else FASHION
    clone = Clone(tmp_path / "clone")
    assert "10 classes" in clone.run("python", "-m", "softmax", "data", "add", "mine", str(source))
    clone.edit("params.yaml", "dataset: mnist", "dataset: mine")
    clone.edit("params.yaml", "[1802, 1100, 217]", "[3, 7]")
    clone.edit("params.yaml", "validation: 0", "validation: 200")
    clone.edit("params.yaml", "learning_rate: 0.001", "learning_rate: 0.05")
    clone.run("dvc", "repro", MNIST_MIRROR="")
    clone.run("git", "commit", "--quiet", "--all", "--message", "Train on mine")
    rates = "train.learning_rate=0.01,0.1"
    swept = json.loads(clone.run("python", "-m", "softmax", "sweep", rates, "--json"))
    assert max(one["test_accuracy"] for one in swept) > 0.8
    clone.run("dvc", "repro", "--quiet", "--force", "check")
    compared = clone.run("python", "-m", "softmax", "compare", "HEAD")
    assert "All results are the same, byte for byte" in compared
    images, labels = digits()
    if write is None:
        asked = FASHION / "t10k-images-idx3-ubyte.gz"
    elif write is as_png:
        asked = source / "7"
    else:
        asked = tmp_path / "some-idx3-ubyte"
        write_idx(asked, images[labels == 7])
    said = clone.run("python", "-m", "softmax", "predict", str(asked), "--json")
    answers = [one["class"] for one in json.loads(said)]
    assert write is None or answers.count("7") > 0.8 * len(answers)
