"""Test that `softmax predict` gives the pipeline's predictions for a model of any revision."""

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.clones import Clone
from helpers.samples import photographed
from helpers.workspace import Workspace, error
from PIL import Image

from softmax.core import idx, model
from softmax.pipeline import datasets, paths

TEST = datasets.test_files("digits")[0]
FIGURES = Path("report/predict")


def same_answers(printed: str, predictions: str) -> None:
    answers, expected = (pd.read_csv(io.StringIO(x), dtype=str) for x in (printed, predictions))
    assert len(expected) == 30
    assert answers.loc[:, "prediction":].equals(expected.drop(columns="label"))


@pytest.mark.end_to_end  # DVC saves an experiment
def test_predictions_for_the_test_set_equal_the_pipelines(workspace: Workspace) -> None:
    """Use the models of the workspace, of a commit, and of an experiment that DVC saved."""
    from dvc.repo import Repo

    first = paths.PREDICTIONS.read_text()
    workspace.set(train={"seed": 3})
    workspace.run("train", "evaluate")
    with Repo() as repo:
        repo.experiments.save(name="other")
    second = paths.PREDICTIONS.read_text()
    assert second != first
    same_answers(workspace.tool("predict", TEST, "--csv").out, second)
    same_answers(workspace.tool("predict", TEST, "--csv", "--rev", "HEAD").out, first)
    same_answers(workspace.tool("predict", TEST, "--csv", "--rev", "other").out, second)
    output = workspace.tool("predict", TEST, "--rev", "other").out
    assert "\nmodel     other\n" in output


@pytest.mark.end_to_end  # MLflow saves a model, and loads it
def test_a_registered_model_gives_its_predictions(workspace: Workspace) -> None:
    from mlflow import MlflowClient

    workspace.run("train", "evaluate", "export")
    client = MlflowClient(workspace.store)
    client.set_registered_model_alias("softmax-digits", "champion", 1)
    for name in ("softmax-digits@champion", "softmax-digits/1"):
        printed = workspace.tool("predict", TEST, "--csv", "--model", f"models:/{name}")
        same_answers(printed.out, paths.PREDICTIONS.read_text())


def test_the_table_is_shortened_and_json_and_csv_are_complete(workspace: Workspace) -> None:
    entries = yaml.safe_load(Path("datasets.yaml").read_text())
    entries["digits"]["classes"] = classes = [f"letter {k}" for k in "jihgfedcba"]
    Path("datasets.yaml").write_text(yaml.safe_dump(entries))
    first = idx.read(TEST, 3)[0]
    Image.fromarray(first).save("a.png")
    answers = json.loads(workspace.tool("predict", "a.png", TEST, "--json").out)
    output = workspace.tool("predict", "a.png", TEST, "--explain").out.splitlines()

    assert len(answers) == 31
    assert answers[0] == answers[1] | {"image": "a.png"}
    for line, answer in zip(output[2:22], answers[:20], strict=True):
        a = np.array([answer[f"p{k}"] for k in range(10)])
        assert a.sum() == pytest.approx(1)
        likely = np.argsort(-a, kind="stable")[:3]
        assert answer["class"] == classes[likely[0]]
        words = [word for k in likely for word in (classes[k], f"{a[k]:.4f}")]
        assert " ".join(line.split()) == " ".join([answer["image"], "as it is", *words])
    assert output[23] == "and 11 more (--csv and --json print all)"
    assert output[-2:] == ["model     the workspace", "images    report/predict/"]
    saw = np.asarray(Image.open(FIGURES / "2-t10k-images-idx3-ubyte[0].png").convert("L"))
    assert (saw[4::8, 4::8] == first).all()

    winner, rival = sorted(range(10), key=lambda k: -answers[0][f"p{k}"])[:2]
    added = model.load(paths.WEIGHTS)[:, :-1] * first.ravel()
    added = np.stack([added[winner], added[rival], added[winner] - added[rival]])
    maps = np.asarray(Image.open(FIGURES / "1-a-why.png"))[4::8, 4::8]
    levels = maps[7:-1, 1:].reshape(8, 3, 9)[:, :, :-1].swapaxes(0, 1).reshape(3, 64)
    assert (abs(added / abs(added).max() * 127 + 128 - levels) <= 0.5).all()

    workspace.tool("predict", "a.png")
    assert [path.name for path in FIGURES.iterdir()] == ["1-a.png"]
    workspace.tool("predict", datasets.training_files("digits")[0], "--csv")
    assert len(list(FIGURES.iterdir())) == 100


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([TEST, "--rev", "nothing"], "nothing: not a commit, branch, tag or DVC experiment"),
        ([TEST, "--model", "softmax-mnist"], "softmax-mnist: not a model URI. Use, for"),
        ([TEST, "--model", "models:/softmax-digits/99"], "not found. Use an existing version"),
        ([TEST, "--model", "models:/softmax-digits@champion"], "not found. Use an existing"),
        ([TEST, "--model", "models:/softmax-other/1"], "other: not in datasets.yaml. Add it with"),
    ],
)
def test_a_missing_model_gives_one_line_and_writes_nothing(
    workspace: Workspace, arguments: list[str], reason: str
) -> None:
    printed = workspace.tool("predict", *arguments)
    assert reason in error(printed)
    assert printed.out == ""
    assert not FIGURES.exists()


def test_a_bad_file_does_not_stop_the_other_predictions(workspace: Workspace) -> None:
    Path("bad\udcff.png").touch()
    printed = workspace.tool("predict", TEST, "bad\udcff.png", "missing.png", TEST, "--csv")
    assert len(printed.out.splitlines()) == 61
    assert (printed.status, printed.err.count("\n")) == (1, 2)
    assert printed.err.startswith("error: bad\ufffd.png: not an image")
    assert "missing.png" in printed.err
    printed = workspace.tool("predict", "bad\udcff.png", "missing.png")
    assert error(printed).startswith("none of 2 images and files could be read. The first error: b")
    assert printed.out == ""


@pytest.mark.parametrize("name", ["\udcff\udcfe", "b" * 246, "\U0001d7d8" * 61, "a b:c\n?*", ".x"])
def test_a_file_may_have_any_name(workspace: Workspace, name: str) -> None:
    path = Path(f"{name}.png")
    Image.fromarray(idx.read(TEST, 3)[0]).save("a.png")
    Path("a.png").rename(path)
    for form in ("--csv", "--json", "--explain"):
        printed = workspace.tool("predict", path, form)
        assert (printed.status, printed.err) == (0, "")
        assert printed.out.encode()
    assert len({*FIGURES.iterdir()}) == 2


def test_photos_are_classified_almost_as_well_as_mnist(mnist: Clone, tmp_path: Path) -> None:
    """Enlarge test images ten times, and photograph them as dark ink in uneven light."""
    clone, photos = Clone.copy(mnist, tmp_path / "clone"), tmp_path / "photos"
    photos.mkdir()
    images = idx.read(clone.directory / datasets.test_files("mnist")[0], 3)[:200]
    for n, image in enumerate(images):
        paper = np.zeros((400, 400))
        paper[30:310, 80:360] = np.asarray(Image.fromarray(image).resize((280, 280))) / 255
        Image.fromarray(photographed(paper, shade=0.4, noise=10)).save(photos / f"{n:03}.png")
    Image.fromarray(255 - images[0]).save(photos / "small.png")
    done = clone.softmax("predict", str(photos), "--csv", "--rev", "HEAD")
    assert done.stderr.startswith("warning: 1 of 201 images, such as small.png, have a light")
    answers = pd.read_csv(io.StringIO(done.stdout))[:200]
    assert {*answers["preparation"]} == {"inverted, centered"}
    plain = pd.read_csv(clone.directory / paths.PREDICTIONS)[:200]
    correct, expected = (plain["label"] == table["prediction"] for table in (answers, plain))
    assert correct.mean() > expected.mean() - 0.03
    assert clone.run("git", "status", "--porcelain") == ""
