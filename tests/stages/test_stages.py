"""Test each stage on the tiny data set, in about a second."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.workspace import Workspace, error

from softmax.analysis import images
from softmax.core import model
from softmax.pipeline import datasets, dvc_lock, paths


def files_in(directory: str) -> set[str]:
    """Return the paths of all files in `directory`, relative to it."""
    found = (path for path in Path(directory).rglob("*") if path.is_file())
    return {str(path.relative_to(directory)) for path in found}


def test_the_output_of_check_does_not_depend_on_params(workspace: Workspace) -> None:
    first = paths.CHECKED.read_bytes()
    paths.CHECKED.unlink()
    workspace.set(train={"epochs": 7})
    assert workspace.stage("check").status == 0
    assert paths.CHECKED.read_bytes() == first


@pytest.mark.parametrize(("rate", "warns"), [(1e-300, True), (0.004, False)])
def test_a_rate_without_effect_is_reported(workspace: Workspace, rate: float, warns: bool) -> None:
    workspace.set(train={"learning_rate": rate})
    output = "no step was large enough to change a weight. Raise train.learning_rate."
    assert (output in workspace.stage("train").out) == warns


def test_train_writes_weights_losses_and_metrics(workspace: Workspace) -> None:
    workspace.set(train={"batch_size": 64})
    assert workspace.stage("train").status == 0
    assert pd.read_csv(paths.LOSSES)["step"].tolist() == [*range(1, 9)]
    epochs = pd.read_csv(paths.EPOCHS)
    assert [*epochs] == ["step", "epoch", "train_loss", "train_accuracy"]
    workspace.set(train={"batch_size": 2, "epochs": 3, "validation": 100})
    assert workspace.stage("train").status == 0
    assert model.load(paths.WEIGHTS).shape == (10, 65)
    losses = pd.read_csv(paths.LOSSES)
    assert losses["step"].tolist() == [*range(20, 601, 20)]
    assert losses["batch"].tolist() == [*range(20, 201, 20)] * 3
    epochs = pd.read_csv(paths.EPOCHS)
    assert epochs["step"].tolist() == [200, 400, 600]
    final = json.loads(paths.TRAIN_METRICS.read_text())
    assert final == epochs.drop(columns=["step", "epoch"]).iloc[-1].to_dict()
    assert final["validation_accuracy"] > 0.9
    assert files_in("models/epochs") == {f"{k}.safetensors" for k in range(4)}


def test_evaluate_writes_predictions_and_metrics(workspace: Workspace) -> None:
    workspace.set(train={"learning_rate": 0.001}, evaluate={"samples": [5]})
    workspace.run("train", "evaluate")
    table = pd.read_csv(paths.PREDICTIONS)
    metrics = json.loads(paths.TEST_METRICS.read_text())
    correct = table["label"] == table["prediction"]
    assert metrics["total"] == len(table) == 30
    assert metrics["accuracy"] == correct.mean()
    assert 0.1 < metrics["accuracy"] < 1  # otherwise the assertions below would be trivial
    probabilities = table.filter(regex=r"p\d").to_numpy()
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (probabilities.argmax(axis=1) == table["prediction"]).all()
    loss = -np.log(probabilities[range(30), table["label"]]).mean()
    assert metrics["loss"] == pytest.approx(loss, abs=1e-6)
    for k in range(10):
        called, are = table["prediction"] == k, table["label"] == k
        hits = (called & are).sum()
        assert metrics["precision"][k] == (hits / called.sum() if called.any() else 0)
        assert metrics["recall"][k] == hits / are.sum()
        assert metrics["f1"][k] == pytest.approx(2 * hits / (called.sum() + are.sum()))
    pairs = pd.read_csv(paths.CONFUSION)
    assert pairs["actual"].equals(table["label"])
    assert pairs["predicted"].equals(table["prediction"])
    assert files_in("images/samples") == {"5.svg"}  # previous samples are removed


def test_export_draws_each_class_and_a_contact_sheet(workspace: Workspace) -> None:
    before = workspace.contents()["images/weights/3.png"]
    workspace.set(export={"scale": 3})
    assert workspace.stage("export").status == 0
    classes = {f"{directory}{k}.png" for k in range(10) for directory in ("", "diverging/")}
    assert files_in("images/weights") == classes | {"grid/gray.png", "grid/diverging.png"}
    assert len(workspace.contents()["images/weights/3.png"]) > len(before)
    workspace.monkeypatch.setattr(images, "MAX_PIXELS", 10 * 64 * 2**2)
    assert "export.scale = 3 is reduced to 2, because" in workspace.stage("export").out
    assert workspace.contents()["images/weights/3.png"] == before


def test_lesson_writes_weights_epochs_examples_and_figures(workspace: Workspace) -> None:
    assert workspace.stage("lesson").out.startswith("lesson: loss ")
    assert model.load(paths.LESSON_WEIGHTS).shape == (3, 3)
    epochs = pd.read_csv(paths.LESSON_EPOCHS)
    assert epochs["epoch"].tolist() == epochs["step"].tolist() == [1, 2, 3]
    final = json.loads(paths.LESSON_METRICS.read_text())
    assert final["train_loss"] == epochs["train_loss"].iloc[-1]
    assert final["softmax_sum_max"] == pytest.approx(1, abs=1e-15)
    assert final["logistic_sum_max"] > 1.01
    assert len(pd.read_csv(paths.LESSON_POINTS)) == 21
    assert "Jacobian" in pd.read_csv(paths.LESSON_EXAMPLES)["example"].tolist()
    assert files_in("images/lesson") == {"regions.svg", "probabilities.svg"}


@pytest.mark.parametrize(
    ("stage", "changes", "message"),
    [
        ("check", {"train": {"epochs": 0}}, "params.yaml: train.epochs = 0 should be"),
        ("check", {"evaluate": {"samples": [30]}}, "contains 30. Choose test images from 0 to 29"),
        ("train", {"train": {"validation": 500}}, "train.validation = 500 leaves a class without"),
        ("train", {"train": {"learning_rate": 1e307}}, "Lower the learning rate"),
        ("download", {"download": {"dataset": "mist"}}, "download.dataset = 'mist' should"),
        ("export", {"export": {"scale": 0}}, "export.scale = 0 should be"),
        ("lesson", {"lesson": {"spread": 0.3}}, "lesson.spread = 0.3 should be"),
    ],
)
def test_invalid_input_gives_one_line_and_changes_no_output(
    workspace: Workspace, stage: str, changes: dict[str, dict[str, object]], message: str
) -> None:
    workspace.set(**changes)
    before = workspace.contents()
    assert message in error(workspace.stage(stage))
    assert workspace.contents() == before


@pytest.mark.parametrize(
    ("stage", "path"),
    [
        ("train", "data/digits/train-images-idx3-ubyte"),
        ("evaluate", "data/digits/t10k-images-idx3-ubyte"),
        ("evaluate", "models/softmax.safetensors"),
        ("export", "models/epochs"),
        ("report", "models/softmax.safetensors"),
        ("report", "metrics/predictions.csv"),
        ("report", "data/digits/train-labels-idx1-ubyte"),
    ],
)
def test_a_flipped_bit_in_any_input_of_a_stage_is_detected(
    workspace: Workspace, stage: str, path: str
) -> None:
    file = Path(path) / "1.safetensors" if Path(path).is_dir() else Path(path)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    before = workspace.contents()
    of_data = "its SHA-256 differs from datasets.yaml. Run `dvc repro download`."
    expected = of_data if "data" in path else "differs from dvc.lock. Run `dvc repro`."
    assert error(workspace.stage(stage)).startswith(f"{path}: {expected}")
    assert workspace.contents() == before


@pytest.mark.parametrize(
    ("stage", "shape"), [("evaluate", (10, 63)), ("export", (9, 64)), ("report", (64, 10))]
)
def test_weights_of_the_wrong_shape_give_one_line_and_change_no_output(
    workspace: Workspace, stage: str, shape: tuple[int, int]
) -> None:
    dvc_lock.PATH.unlink()  # it contains the hash of other weights
    paths.WEIGHTS.write_bytes(model.to_bytes(np.zeros((shape[0], shape[1] + 1))))
    before = workspace.contents()
    assert error(workspace.stage(stage)) == (
        f"{paths.WEIGHTS}: weight is {shape} and bias ({shape[0]},); they should be (10, 64) and "
        "(10,). Run `dvc repro`."
    )
    assert workspace.contents() == before


def test_evaluate_samples_are_checked_before_the_download(workspace: Workspace) -> None:
    workspace.set(evaluate={"samples": [30]})
    paths.CHECKED.unlink()
    datasets.directory("digits").rename("elsewhere")
    output = error(workspace.stage("check"))
    assert "evaluate.samples contains 30. Choose test images from 0 to 29" in output
    assert not paths.CHECKED.exists()


def test_a_missing_input_gives_the_command_that_creates_it(workspace: Workspace) -> None:
    paths.WEIGHTS.unlink()
    assert error(workspace.stage("evaluate")) == f"{paths.WEIGHTS}: not found. Run `dvc repro`."
    datasets.directory("digits").rename("elsewhere")
    assert error(workspace.stage("train")).endswith("not found. Run `dvc repro`.")
