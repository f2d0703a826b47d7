"""`make predict` says of images what the pipeline says of its test images, by any model."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clones import Clone, run_short
from mlflow import MlflowClient
from PIL import Image
from prediction.photos import photographed, written
from shared import once

from softmax.core import data, model
from softmax.pipeline import catalog, paths
from softmax.prediction import ink
from softmax.prediction.normalization import SHAPE, normalize

TEST = str(catalog.test_files("mnist")[0])
PICTURES = Path("report/predict")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone with the model of the lecture, and another one as an experiment."""
    folder = tmp_path_factory.mktemp("predict")
    return Clone.copy(once("short", run_short) / "clone", folder / "clone")


@pytest.fixture
def seven(tmp_path: Path) -> Path:
    """A photo of a 7."""
    path = tmp_path / "seven.png"
    Image.fromarray(photographed(written("7"), shade=0.3, noise=5)).save(path)
    return path


def predict(clone: Clone, *arguments: str | Path) -> str:
    shutil.rmtree(clone.folder / PICTURES, ignore_errors=True)
    return clone.run("python", "-m", "tools.predict", *map(str, arguments))


def same_answers(printed: str, predictions: Path) -> None:
    """AssertionError unless all rows of the test set are the same to the last bit."""
    answers = pd.read_csv(io.StringIO(printed))
    expected = pd.read_csv(predictions)
    assert len(expected) == 10_000
    assert (answers["class"].astype(int) == expected["prediction"]).all()
    pd.testing.assert_frame_equal(
        answers.drop(columns=["image", "seen", "class"]),
        expected.drop(columns="label"),
        check_exact=True,
    )


def test_the_answers_for_the_test_set_are_those_of_the_pipeline(clone: Clone) -> None:
    same_answers(predict(clone, TEST, "--csv"), clone.folder / paths.PREDICTIONS)
    assert len(list((clone.folder / PICTURES).iterdir())) == 100
    assert clone.run("git", "status", "--porcelain") == ""


def test_an_experiment_gives_its_own_answers(clone: Clone, tmp_path: Path) -> None:
    clone.run(
        "dvc", "get", ".", str(paths.PREDICTIONS), "--rev", "short", "-o", str(tmp_path / "p")
    )
    assert (tmp_path / "p").read_bytes() != (clone.folder / paths.PREDICTIONS).read_bytes()
    same_answers(predict(clone, TEST, "--csv", "--rev", "short"), tmp_path / "p")


def test_a_registered_model_gives_its_answers(clone: Clone) -> None:
    client = MlflowClient(f"sqlite:///{clone.folder / 'mlflow.db'}")
    client.set_registered_model_alias("softmax-mnist", "champion", 1)
    for name in ("softmax-mnist@champion", "softmax-mnist/1"):
        printed = predict(clone, TEST, "--csv", "--model", f"models:/{name}")
        same_answers(printed, clone.folder / paths.PREDICTIONS)


def test_a_photo_of_a_7_merely_made_small_is_something_else(clone: Clone, seven: Path) -> None:
    small = seven.with_name("small.png")
    Image.open(seven).resize(SHAPE).save(small)
    merely, normalized = json.loads(predict(clone, small, seven, "--json"))
    assert (merely["seen"], normalized["seen"]) == ("as it is", "inverted, centred")
    assert merely["class"] != "7"
    assert normalized["class"] == "7"
    assert normalized["prediction"] == 7
    assert normalized["p7"] > 0.5
    assert sum(normalized[f"p{k}"] for k in range(10)) == pytest.approx(1)


def test_photos_of_mnist_are_judged_nearly_as_well_as_mnist(clone: Clone) -> None:
    """Test images, ten times as large, as dark ink in uneven light and with noise."""
    images, labels = (
        data.read_idx(clone.folder / path, dimensions)[:200]
        for path, dimensions in zip(catalog.test_files("mnist"), (3, 1), strict=True)
    )
    seen = []
    for image in images:
        paper = np.zeros((400, 400))
        paper[30:310, 80:360] = np.asarray(Image.fromarray(image).resize((280, 280))) / 255
        seen.append(normalize(ink.find(photographed(paper, shade=0.4, noise=10))[0]))
    theta = model.load(clone.folder / paths.WEIGHTS)
    inputs = np.pad(np.reshape(seen, (200, -1)).T, ((0, 1), (0, 0)), constant_values=255)
    right = model.predict(model.logits(theta, inputs.astype(np.float64))) == labels
    as_they_are = pd.read_csv(clone.folder / paths.PREDICTIONS)[:200]
    assert right.mean() > (as_they_are["label"] == as_they_are["prediction"]).mean() - 0.03


def test_people_get_a_table_and_pictures(clone: Clone, seven: Path) -> None:
    said = predict(clone, seven, TEST, "--explain").splitlines()
    assert said[2].split()[:5] == ["seven.png", "inverted,", "centred", "7", said[2].split()[4]]
    assert "and 9,981 more, which --csv and --json print" in said
    assert said[-2:] == ["model     the workspace", "pictures  report/predict/"]
    saw = Image.open(clone.folder / PICTURES / "2-t10k-images-idx3-ubyte[0].png")
    first = data.read_idx(clone.folder / TEST, 3)[0]
    assert (np.asarray(saw.convert("L"))[4::8, 4::8] == first).all()
    assert (clone.folder / PICTURES / "1-seven-why.png").exists()
    predict(clone, seven)
    assert [path.name for path in (clone.folder / PICTURES).iterdir()] == ["1-seven.png"]


def test_make_takes_files_and_a_model(clone: Clone, seven: Path) -> None:
    done = clone.make("predict", f"FILES={seven} {TEST}", "REV=short", "EXPLAIN=1")
    assert done.returncode == 0, done.stderr
    assert "model     short" in done.stdout
    refused = clone.make("predict")
    assert refused.returncode == 2
    assert 'error: say make predict FILES="a.png b.jpg"' in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["missing.png"], "No such file or directory: 'missing.png'"),
        (["docs"], "Is a directory: 'docs'"),
        (["README.md"], "README.md: not a PNG, JPEG or IDX file"),
        ([TEST, "--rev", "nothing"], "nothing: no commit, branch, tag or DVC experiment here"),
        ([TEST, "--model", "softmax-mnist"], "softmax-mnist: say models:/softmax-mnist@champion"),
        ([TEST, "--model", "models:/softmax-mnist/99"], "run this again"),
        ([TEST, "--model", "models:/softmax-other/1"], "other: not in datasets.yaml; add it with"),
    ],
)
def test_one_bad_file_of_two_or_no_model_stops_all(
    clone: Clone, seven: Path, arguments: list[str], reason: str
) -> None:
    shutil.rmtree(clone.folder / PICTURES, ignore_errors=True)
    done = clone.attempt("python", "-m", "tools.predict", str(seven), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert reason in line
    assert not (clone.folder / PICTURES).exists()
