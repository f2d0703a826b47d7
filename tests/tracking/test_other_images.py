"""What MLflow shows and serves of models of other images than MNIST's, in other classes."""

from collections.abc import Callable
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from digits import write_idx
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from old_fixtures import Workspace
from servers import empty_store
from tracking.rows import runs

from softmax.core import data
from softmax.pipeline import catalog, files, paths
from softmax.pipeline.catalog import FILES, Pinned
from softmax.tracking import registry, slider
from softmax.tracking.replay import BY_CLASS
from stages import evaluate, export, train

MODEL = "models:/softmax-mnist/1"
SHAPE = (2, 5, 3)
Trained = Callable[[int], MlflowClient]


@pytest.fixture
def trained(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """Trains and registers a model of RGB images of 2 x 5 in so many classes, in a new store."""

    def make(classes: int) -> MlflowClient:
        folder = workspace(train={"epochs": 1, "learning_rate": 0.5}) / catalog.directory("mnist")
        random, counts = np.random.default_rng(0), (3 * classes, 2 * classes)
        for count, images, labels in zip(counts, FILES[::2], FILES[1::2], strict=True):
            write_idx(folder / images, random.integers(0, 256, (count, *SHAPE), np.uint8))
            write_idx(folder / labels, np.arange(count, dtype=np.uint8) % classes)
        names = [f"kind {k}" for k in range(classes)]
        entry = {"images": counts, "shape": SHAPE, "classes": names}
        entry |= {file: files.sha256(folder / file) for file in FILES}
        monkeypatch.setitem(catalog.load(), "mnist", Pinned.model_validate(entry))
        uri = empty_store(tmp_path / "mlflow.db")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        for stage in (train, evaluate, export):
            stage.main()
        return MlflowClient(uri)

    return make


def test_it_is_served_with_its_shape_and_the_names_of_its_classes(
    trained: Trained, tmp_path: Path
) -> None:
    trained(4)
    model = mlflow.pyfunc.load_model(MODEL)
    rows = data.load(*catalog.test("mnist")).images
    expected = pd.read_csv(paths.PREDICTIONS).drop(columns="label")
    expected["class"] = [f"kind {k}" for k in expected["prediction"]]
    for images in (rows, rows.reshape(-1, *SHAPE), rows / 255):
        pd.testing.assert_frame_equal(model.predict(images), expected, check_exact=True)
    with pytest.raises(MlflowException, match=r"should be \(n, 30\) or \(n, 2, 5, 3\)"):
        model.predict(rows.reshape(-1, 5, 2, 3))
    folder = mlflow.artifacts.download_artifacts(MODEL, dst_path=str(tmp_path / "model"))
    assert Model.load(folder).load_input_example(folder).shape == (1, *SHAPE)


def test_its_rows_name_the_classes(trained: Trained) -> None:
    client = trained(4)
    (run,) = runs(str(client.tracking_uri))
    table = client.load_table(run.info.experiment_id, BY_CLASS, [run.info.run_id])
    assert table["class"].tolist() == ["kind 0", "kind 1", "kind 2", "kind 3"]
    assert table["images"].tolist() == [2] * 4
    assert "| kind 3  |" in run.data.tags["mlflow.note.content"]
    described = client.get_registered_model("softmax-mnist").description
    assert "2 x 5 x 3 images to the probabilities of 4 classes" in described
    version = client.get_model_version("softmax-mnist", "1")
    assert version.description == f"{run.info.run_name}\n\n{paths.MODEL_CARD.read_text()}"


def test_of_many_classes_it_shows_the_worst_and_describes_what_has_room(trained: Trained) -> None:
    client = trained(120)
    (run,) = runs(str(client.tracking_uri))
    header, _, first, *others = (
        line for line in run.data.tags["mlflow.note.content"].splitlines() if line.startswith("|")
    )
    assert [cell.strip() for cell in header.strip("|").split("|")] == ["class", "called", "images"]
    assert len(others) == 19
    answers = pd.read_csv(paths.PREDICTIONS)
    wrong = answers[answers["label"] != answers["prediction"]]
    most = wrong.groupby(["label", "prediction"]).size().max()
    assert first.rstrip("| ").endswith(f" {most}")
    card = f"{run.info.run_name}\n\n{paths.MODEL_CARD.read_text()}"
    described = client.get_model_version("softmax-mnist", "1").description
    assert len(card) > registry.LONGEST >= len(described) > registry.LONGEST - 200
    assert card.startswith(described.removesuffix(registry.REST) + "\n| kind ")


@pytest.mark.parametrize(
    ("classes", "shape"),
    [(2, (28, 28)), (47, (28, 28)), (1000, (128, 384)), (3, (1, 128)), (3, (128, 1))],
)
def test_the_slider_has_room_for_any_tiles(classes: int, shape: tuple[int, int]) -> None:
    tiles = np.zeros((classes, *shape), np.uint8)
    picture = slider.picture(tiles, ["the longest name of a class"] * classes)
    assert max(picture.size) < 1.2 * slider.WIDEST
    assert np.count_nonzero(np.asarray(picture) == 0) > 0.1 * picture.width * picture.height
