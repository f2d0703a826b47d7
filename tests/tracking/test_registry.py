"""Test the models that the stages log and register, loaded by MLflow."""

import json
import math
import pickle
import re
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml
from helpers import digits
from helpers.runs import NAME, runs
from helpers.workspace import MODEL, Workspace
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from softmax.analysis.trained_models import TrainedModel
from softmax.core import batches, idx
from softmax.pipeline import datasets, dvc_lock, params, paths
from softmax.pipeline.datasets import FILES
from softmax.tracking import registry, serving
from softmax.tracking.sync import BY_CLASS

FIRST = f"models:/{NAME}/1"
SHAPE = (2, 5, 3)


@pytest.mark.end_to_end  # a second or more
def test_the_champion_is_chosen_on_the_validation_set(workspace: Workspace) -> None:
    dvc_lock.PATH.unlink()
    client = MlflowClient(workspace.store, workspace.store)

    def learn(rate: float, validation: int = 0, seed: int = 0) -> str:
        changes = {"learning_rate": rate, "validation": validation, "seed": seed}
        workspace.set(train={"batch_size": 50, **changes})
        return workspace.stage("train").out.splitlines()[-1]

    def champion() -> Any:
        return client.get_registered_model(NAME).aliases.get("champion")

    assert "version 1; there is no champion, because train.validation is 0" in learn(0.1)
    assert champion() is None
    assert "version 2; it is the champion, with" in learn(1e-6, 50)
    assert "version 3; it is the champion, with 100.00% of 50" in learn(1, 50)
    assert "still version 3, which is at least as good on the 50" in learn(1e-6, 50, seed=1)
    assert "still version 3, which is at least as good on the 50" in learn(2, 50)
    assert "still version 3, which is at least as good on the 60" in learn(0.1, 60)
    assert "still version 3, because train.validation is 0" in learn(0.1)
    assert "version 3; it is the champion" in learn(1, 50)
    assert champion() == 3
    assert len(client.search_model_versions(f"name='{NAME}'")) == 6
    labels = datasets.training_files("digits")[1]
    for names in ("0123456789", "012345678X"):
        digits.write_idx(labels, (idx.read(labels, 1) + 1) % 10)  # now the champion is always wrong
        entry = {**digits.entry(labels.parent), "classes": [*names]}
        datasets.PATH.write_text(yaml.safe_dump({"digits": entry}))
        output = learn(0.3, 50)
        assert ("it is the champion, with" in output) == (names[9] == "9")
    assert "on the same 50 validation images: the champion has different classes" in output
    (run, *_), trained = runs(workspace.store), TrainedModel(Path(), params.load())
    labels.unlink()  # as in `softmax track --history`, where data may be missing
    output = registry.register(client, run, trained, registry.find_model(client, run))
    assert "images: the training images of the new version are missing or have changed." in output
    exec(re.findall('`python -c "(.*)"`', output)[0])  # noqa: S102 (users run it, too)
    assert champion() == 8


def test_the_logged_model_is_complete_and_loads_without_pickle(workspace: Workspace) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a pickle is read")

    for reader in ("load", "loads", "Unpickler"):
        workspace.monkeypatch.setattr(pickle, reader, refuse)
    assert [workspace.stage(stage).err for stage in MODEL] == [""] * len(MODEL)
    mlflow.pyfunc.load_model(FIRST)
    directory = Path(mlflow.artifacts.download_artifacts(FIRST, dst_path="downloaded"))
    assert not list(directory.rglob("*.pkl"))
    pins = (directory / "requirements.txt").read_text().split()
    assert f"mlflow=={mlflow.__version__}" in pins
    assert all("==" in pin for pin in pins)
    logged = Model.load(directory)
    columns = ["prediction", *(f"p{k}" for k in range(10)), "class"]
    assert logged.signature.outputs.input_names() == columns
    assert logged.load_input_example(directory).shape == (1, 8, 8)


def train_on_colors(workspace: Workspace, classes: int) -> MlflowClient:
    """Train and register a model of RGB images of 2 x 5 pixels in `classes` classes."""
    directory = datasets.directory("digits")
    random, counts = np.random.default_rng(0), (3 * classes, 2 * classes)
    for count, images, labels in zip(counts, FILES[::2], FILES[1::2], strict=True):
        digits.write_idx(directory / images, random.integers(0, 256, (count, *SHAPE)))
        digits.write_idx(directory / labels, np.arange(count) % classes)
    names = [f"kind @{k}" for k in range(classes)]
    entry = {**digits.entry(directory, 4), "classes": names}
    datasets.PATH.write_text(yaml.safe_dump({"digits": entry}))
    workspace.set(train={"learning_rate": 0.5, "batch_size": 64})
    assert workspace.run(*MODEL).err == ""
    return MlflowClient(workspace.store, workspace.store)


def test_a_model_accepts_any_number_type_and_returns_class_names(workspace: Workspace) -> None:
    client = train_on_colors(workspace, 4)
    model = mlflow.pyfunc.load_model(FIRST)
    images = batches.load(*datasets.test("digits")).images
    expected = pd.read_csv(paths.PREDICTIONS).drop(columns="label")
    expected["class"] = [f"kind @{k}" for k in expected["prediction"]]
    for dtype in (np.uint8, np.int16, np.int64, np.float16, np.float32, np.float64):
        given = (images / 255 if np.issubdtype(dtype, np.floating) else images).astype(dtype)
        for form in (given, given.reshape(-1, *SHAPE)):
            pd.testing.assert_frame_equal(model.predict(form), expected, check_exact=True)
    with pytest.raises(MlflowException, match=r"should be \(n, 30\) or \(n, 2, 5, 3\)"):
        model.predict(images.reshape(-1, 5, 2, 3))
    (run,) = runs(workspace.store)
    table = client.load_table(run.info.experiment_id, BY_CLASS, [run.info.run_id])
    right = expected["prediction"] == pd.read_csv(paths.PREDICTIONS)["label"]
    precision = json.loads(paths.TEST_METRICS.read_bytes())["precision"]
    assert table["class"].tolist() == ["kind @0", "kind @1", "kind @2", "kind @3"]
    assert table["images"].tolist() == [2] * 4
    assert table["correct"].sum() == right.sum()
    assert table["recall"].tolist() == (table["correct"] / 2).tolist()
    assert table["precision"].tolist() == [round(one, 4) for one in precision]
    assert "| kind @<!---->3&emsp;|" in run.data.tags["mlflow.note.content"]
    described = client.get_registered_model(NAME).description
    assert "2 x 5 x 3 images to the probabilities of 4 classes" in described
    version = client.get_model_version(NAME, "1")
    assert version.description == f"{run.info.run_name}\n\n{paths.MODEL_CARD.read_text()}"


@pytest.mark.end_to_end  # a second or more
def test_a_run_with_many_classes_shows_as_many_of_the_worst_as_fit(workspace: Workspace) -> None:
    client = train_on_colors(workspace, 120)
    (run,) = runs(workspace.store)
    header, _, first, *others = (
        line for line in run.data.tags["mlflow.note.content"].splitlines() if line.startswith("|")
    )
    assert header.replace("&emsp;|", "").split()[1:] == ["class", "predicted", "images"]
    assert len(others) == 19
    answers = pd.read_csv(paths.PREDICTIONS)
    wrong = answers[answers["label"] != answers["prediction"]]
    most = wrong.groupby(["label", "prediction"]).size().max()
    assert first.endswith(f" {most}&emsp;|")
    card = f"{run.info.run_name}\n\n{paths.MODEL_CARD.read_text()}"
    described = client.get_model_version(NAME, "1").description
    assert len(card) > registry.MAX_DESCRIPTION >= len(described) > registry.MAX_DESCRIPTION - 200
    assert card.startswith(described.removesuffix(registry.REST) + "\n| kind ")


@pytest.mark.parametrize(
    ("images", "reason"),
    [
        ([0] * 64, "images: shape (64,) should be (n, 64) or (n, 8, 8)"),
        ([[[0] * 8] * 7], "shape (1, 7, 8) should be"),
        ([[0] * 64, [0] * 63], "the images differ in size"),
        ([[math.nan] * 64], "floats should be from 0 to 1"),
        ([[1.5] + [0] * 63], "floats should be from 0 to 1"),
        ([[-0.1] + [0] * 63], "floats should be from 0 to 1"),
        ([[256] + [0] * 63], "integers should be from 0 to 255"),
        ([[-1] + [0] * 63], "integers should be from 0 to 255"),
        ([[1] + [0] * 63], "integers of only 0 and 1 are ambiguous"),
        ([["white"] * 64], "pixels should be numbers"),
        ([[None] * 64], "pixels should be numbers"),
        ([[True] * 64], "pixels should be numbers"),
    ],
)
def test_an_invalid_image_is_a_bad_request(images: list[Any], reason: str) -> None:
    with pytest.raises(MlflowException, match=re.escape(reason)) as refused:
        serving.levels(np.array(images, object), (8, 8))
    assert refused.value.get_http_status_code() == 400
