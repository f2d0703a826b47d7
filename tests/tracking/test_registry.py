"""The models that the stages log and register, loaded as MLflow loads them."""

import json
import math
import os
import pickle
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
import requests
from clones import Clone
from digits import pinned
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from old_fixtures import Workspace
from servers import empty_store, free_port
from shared import forking

from softmax.core import data
from softmax.pipeline import catalog, params, paths
from softmax.tracking import events
from softmax.tracking.store import connect
from stages import evaluate, export, train

NAME = "softmax-mnist"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> MlflowClient:
    """A client of a store in which nothing is registered yet."""
    workspace()
    uri = empty_store(tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return MlflowClient(uri)


def champion(client: MlflowClient) -> Any:
    """The version that is the champion, None if there is none."""
    return client.get_registered_model(NAME).aliases.get("champion")


def test_the_champion_is_chosen_by_held_out_images_alone(
    registry: MlflowClient,
    workspace: Workspace,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def register(**changes: Any) -> str:
        workspace(train={"epochs": 1, "batch_size": 50, **changes})
        train.main()
        return capsys.readouterr().out.splitlines()[-1]

    def learn(rate: float, **changes: Any) -> str:
        return register(learning_rate=rate, **changes)

    assert "version 1; there is no champion, because train.validation holds no" in learn(0.1)
    assert champion(registry) is None
    assert "version 2; it is the champion, right on" in learn(1e-6, validation=50)
    assert "version 3; it is the champion, right on 100.00% of 50" in learn(0.1, validation=50)
    assert "still version 3, as good or better on the 50" in learn(1e-6, validation=50, seed=1)
    assert "still version 3, as good or better on the 50" in learn(0.2, validation=50)
    assert "still version 3, which was not judged on the same 60" in learn(0.1, validation=60)
    assert "still version 3, because train.validation holds no images out" in learn(0.1)
    assert "version 3; it is the champion" in learn(0.1, validation=50)
    assert champion(registry) == 3
    assert len(registry.search_model_versions(f"name='{NAME}'")) == 6
    labels = catalog.training_files("mnist")[1]
    labels.write_bytes(labels.read_bytes()[:-1] + b"\x07")
    monkeypatch.setitem(catalog.load(), "mnist", pinned(labels.parent))
    assert "still version 3, which was not judged on the same 50" in learn(0.3, validation=50)


def answers(folder: Path) -> pd.DataFrame:
    """What the pipeline in `folder` says of its test images, as a model that is served does."""
    table = pd.read_csv(folder / paths.PREDICTIONS).drop(columns="label")
    return table.assign(**{"class": table["prediction"].astype(str)})


@pytest.mark.usefixtures("registry")
def test_the_model_needs_no_repository(tmp_path: Path) -> None:
    train.main()
    evaluate.main()
    folder = tmp_path / "model"
    mlflow.artifacts.download_artifacts(f"models:/{NAME}/1", dst_path=str(folder))
    assert not list(folder.rglob("*.pkl"))
    pins = (folder / "requirements.txt").read_text().split()
    assert f"mlflow=={mlflow.__version__}" in pins
    assert all("==" in pin for pin in pins)
    logged = Model.load(folder)
    columns = ["prediction", *(f"p{k}" for k in range(10)), "class"]
    assert logged.signature.outputs.input_names() == columns
    assert logged.load_input_example(folder).shape == (1, 28, 28)
    np.save(tmp_path / "images.npy", data.load(*catalog.test("mnist")).images)
    program = """if True:
        import mlflow, numpy
        model = mlflow.pyfunc.load_model("model")
        model.predict(numpy.load("images.npy")).to_csv("answers.csv", index=False)
        import softmax
        assert "model" in softmax.__file__, softmax.__file__
    """
    subprocess.run(["python", "-c", program], cwd=tmp_path, env=forking(), check=True)
    expected = answers(Path())
    found = pd.read_csv(tmp_path / "answers.csv", dtype={"class": str})
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_a_model_from_before_the_cards_keeps_its_description(registry: MlflowClient) -> None:
    train.main()
    evaluate.main()
    assert "## Limits" in registry.get_model_version(NAME, "1").description
    registry.update_model_version(NAME, "1", "the recipe")
    paths.MODEL_CARD.unlink()
    events.log_evaluation(connect(), params.load())
    assert registry.get_model_version(NAME, "1").description == "the recipe"


@pytest.mark.usefixtures("registry")
def test_no_pickle_is_read_from_the_data_to_the_served_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a pickle is read")

    for reader in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, reader, refuse)
    for stage in (train, evaluate, export):
        stage.main()
    images = data.load(*catalog.test("mnist")).images
    assert len(mlflow.pyfunc.load_model(f"models:/{NAME}/1").predict(images)) == len(images)


@pytest.fixture(scope="module")
def served(pipeline: Clone) -> Iterator[str]:
    """The address of a real `mlflow models serve` of the model that the pipeline trained."""
    port = str(free_port())
    environment = pipeline.environment | {
        "MLFLOW_TRACKING_URI": f"sqlite:///{pipeline.folder / 'mlflow.db'}"
    }
    command = ["mlflow", "models", "serve", "-m", f"models:/{NAME}/1", "--env-manager", "local"]
    process = subprocess.Popen(
        [*command, "--port", port],
        cwd="/",
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    for _ in range(240):
        try:
            requests.get(f"{address}/ping", timeout=1).raise_for_status()
            break
        except requests.RequestException:
            time.sleep(0.25)
    yield f"{address}/invocations"
    os.killpg(process.pid, 15)
    process.wait()


def ask(served: str, inputs: Any) -> requests.Response:
    """The answer to `inputs`, which may hold NaN."""
    return requests.post(
        served,
        json.dumps({"inputs": inputs}),
        headers={"Content-Type": "application/json"},
        timeout=60,
    )


def test_the_server_gives_the_answers_of_the_pipeline(served: str, pipeline: Clone) -> None:
    images = data.read_idx(pipeline.folder / "data/mnist/t10k-images-idx3-ubyte", 3)
    expected = answers(pipeline.folder)
    forms = [
        lambda part: part.reshape(len(part), 784).tolist(),
        lambda part: part.reshape(len(part), 28, 28).tolist(),
        lambda part: (part.reshape(len(part), 784) / 255).tolist(),
        lambda part: (part.reshape(len(part), 28, 28) / np.float32(255)).tolist(),
    ]
    found = []
    for k, part in enumerate(np.array_split(images, 20)):
        response = ask(served, forms[k % len(forms)](part))
        assert response.status_code == 200, response.text[:500]
        found += response.json()["predictions"]
    pd.testing.assert_frame_equal(pd.DataFrame(found), expected, check_exact=True)


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ([], "Failed to enforce schema"),  # MLflow's own words
        ([0] * 784, "images: shape (784,) should be (n, 784) or (n, 28, 28)"),
        ([[0] * 783], "shape (1, 783) should be"),
        ([[[0] * 28] * 27], "shape (1, 27, 28) should be"),
        ([[0] * 784, [0] * 783], "the images differ in size"),
        ([[math.nan] * 784], "pixels with a fraction should be 0 to 1"),
        ([[math.inf] + [0.5] * 783], "pixels with a fraction should be 0 to 1"),
        ([[1.5] + [0] * 783], "pixels with a fraction should be 0 to 1"),
        ([[-0.1] + [0] * 783], "pixels with a fraction should be 0 to 1"),
        ([[256] + [0] * 783], "should be 0 to 255"),
        ([[-1] + [0] * 783], "should be 0 to 255"),
        ([[1] + [0] * 783], "0 and 1 alone could mean black or white"),
        ([["white"] * 784], "pixels should be numbers"),
        ([[None] * 784], "pixels should be numbers"),
        ([[True] * 784], "pixels should be numbers"),
    ],
)
def test_the_server_answers_400_to_what_is_no_image(served: str, inputs: Any, reason: str) -> None:
    response = ask(served, inputs)
    assert response.status_code == 400
    assert reason in response.json()["message"]


@pytest.mark.usefixtures("registry")
def test_an_array_of_any_number_type_is_the_same_image() -> None:
    train.main()
    model = mlflow.pyfunc.load_model(f"models:/{NAME}/1")
    images = data.load(*catalog.test("mnist")).images
    expected = model.predict(images)
    for dtype in (np.int16, np.int64, np.float16, np.float32, np.float64):
        given = images / 255 if np.issubdtype(dtype, np.floating) else images
        answer = model.predict(given.astype(dtype).reshape(-1, 28, 28))
        pd.testing.assert_frame_equal(answer, expected, check_exact=True)
    with pytest.raises(MlflowException, match="should be"):
        model.predict(images[:, 1:])
