"""Each stage on a data set so small that it takes moments."""

import json
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from digits import write_lock
from old_fixtures import Workspace

from softmax.core import model
from softmax.pipeline import catalog, paths
from stages import check, download, evaluate, export, lesson, report, train

AFTER_DOWNLOAD = (train, evaluate, export, lesson, report)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `finished` keeps what came of its first use."""
    return tmp_path_factory.mktemp("finished") / "built"


@pytest.fixture
def finished(workspace: Workspace, built: Path) -> Path:
    """A folder in which all stages ran, for an epoch."""
    folder = workspace(train={"epochs": 1})
    if not built.exists():
        for stage in AFTER_DOWNLOAD:
            stage.main()
        shutil.copytree(folder, built)
    shutil.copytree(built, folder, dirs_exist_ok=True)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`, by its path there."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_check_writes_the_same_whatever_the_params(workspace: Workspace) -> None:
    folder = workspace()
    check.main()
    first = (folder / "params.valid").read_bytes()
    workspace(train={"epochs": 7})
    check.main()
    assert (folder / "params.valid").read_bytes() == first


def test_download_brings_the_verified_files(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = workspace()
    before = contents(folder / "data")
    (folder / "data/mnist").rename(folder / "mirror")
    monkeypatch.setenv("MNIST_MIRROR", str(folder / "mirror"))
    download.main()
    assert contents(folder / "data") == before
    assert "4 files verified" in capsys.readouterr().out


def test_a_rate_that_moves_no_weight_is_told(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    for rate, told in ((1e-300, True), (0.001, False)):
        workspace(train={"epochs": 1, "learning_rate": rate})
        train.main()
        said = "no step was large enough to move a weight; raise train.learning_rate"
        assert (said in capsys.readouterr().out) == told


def test_train_writes_weights_losses_and_scores(workspace: Workspace) -> None:
    folder = workspace(train={"epochs": 3, "batch_size": 2, "validation": 100})
    train.main()
    theta = model.load(folder / "models/softmax.safetensors")
    assert theta.shape == (10, 785)
    losses = pd.read_csv("metrics/loss.csv")
    assert losses["step"].tolist() == [100, 200, 300, 400, 500, 600]
    assert losses["batch"].tolist() == [100, 200] * 3
    epochs = pd.read_csv("metrics/epochs.csv")
    assert epochs["step"].tolist() == [200, 400, 600]
    final = json.loads(Path("metrics/train.json").read_text())
    assert final == epochs.drop(columns=["step", "epoch"]).iloc[-1].to_dict()
    assert final["validation_accuracy"] == 1.0


def test_train_without_held_out_images_has_no_validation_columns(workspace: Workspace) -> None:
    workspace(train={"epochs": 1})
    train.main()
    assert list(pd.read_csv("metrics/epochs.csv").columns) == [
        "step",
        "epoch",
        "train_loss",
        "train_accuracy",
    ]
    assert Path("metrics/loss.csv").read_text() == "step,epoch,batch,loss\n"  # 8 batches only


def test_evaluate_counts_and_lists_what_the_model_says(workspace: Workspace) -> None:
    workspace(train={"epochs": 2, "learning_rate": 0.002})
    train.main()
    evaluate.main()
    table = pd.read_csv("metrics/predictions.csv")
    metrics = json.loads(Path("metrics/test.json").read_text())
    right = table["label"] == table["prediction"]
    assert metrics["total"] == len(table) == 30
    assert metrics["accuracy"] == right.mean()
    assert 0.1 < metrics["accuracy"] < 1  # so that neither all nor nothing passes below
    probabilities = table.filter(regex=r"p\d")
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (probabilities.to_numpy().argmax(axis=1) == table["prediction"]).all()
    loss = -np.log(probabilities.to_numpy()[range(30), table["label"]]).mean()
    assert metrics["loss"] == pytest.approx(loss, abs=1e-6)
    for k in range(10):
        called, are = table["prediction"] == k, table["label"] == k
        hits = (called & are).sum()
        assert metrics["precision"][k] == (hits / called.sum() if called.any() else 0)
        assert metrics["recall"][k] == hits / are.sum()
        assert metrics["f1"][k] == pytest.approx(2 * hits / (called.sum() + are.sum()))
    pairs = pd.read_csv("metrics/confusion.csv")
    assert pairs["actual"].equals(table["label"])
    assert pairs["predicted"].equals(table["prediction"])


def test_evaluate_leaves_cards_of_the_chosen_samples_only(workspace: Workspace) -> None:
    workspace(train={"epochs": 1})
    train.main()
    evaluate.main()
    assert {path.name for path in Path("images/samples").iterdir()} == {"3.svg", "7.svg"}
    workspace(train={"epochs": 1}, evaluate={"samples": [5]})
    evaluate.main()
    assert {path.name for path in Path("images/samples").iterdir()} == {"5.svg"}


def test_export_draws_each_class_and_a_grid(workspace: Workspace) -> None:
    workspace(train={"epochs": 1}, export={"scale": 3})
    train.main()
    export.main()
    classes = {f"{folder}{k}.png" for k in range(10) for folder in ("", "diverging/")}
    folder = Path("images/weights")
    assert set(contents(folder)) == classes | {"grid/gray.png", "grid/diverging.png"}


def test_lesson_writes_a_model_its_history_the_examples_and_pictures(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = workspace(lesson={"points": 7, "epochs": 3})
    lesson.main()
    assert model.load(folder / "models/lesson.safetensors").shape == (3, 3)
    epochs = pd.read_csv("metrics/lesson.csv")
    assert epochs["epoch"].tolist() == epochs["step"].tolist() == [1, 2, 3]
    final = json.loads(Path("metrics/lesson.json").read_text())
    assert final["train_loss"] == epochs["train_loss"].iloc[-1]
    assert final["softmax_sum_max"] == pytest.approx(1, abs=1e-15)
    assert final["logistic_sum_max"] > 1.01
    assert len(pd.read_csv("metrics/lesson_points.csv")) == 21
    assert "Jacobian" in pd.read_csv("metrics/lesson_examples.csv")["example"].tolist()
    assert set(contents(Path("images/lesson"))) == {"regions.svg", "probabilities.svg"}
    assert "of torch" in capsys.readouterr().out


def test_report_writes_one_file(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    folder = workspace(train={"epochs": 1}, lesson={"points": 7, "epochs": 3})
    for stage in (train, evaluate, lesson, report):
        stage.main()
    page = (folder / "report/index.html").read_text()
    assert str(folder) not in page
    assert page.endswith("</html>\n")
    assert page.count('"images": [{') == 1
    assert "report/index.html, 0." in capsys.readouterr().out


def test_a_second_run_writes_the_same_bytes(finished: Path) -> None:
    first = contents(finished)
    for stage in AFTER_DOWNLOAD:
        stage.main()
    assert contents(finished) == first


@pytest.mark.parametrize(
    ("stage", "changes", "message"),
    [
        (check, {"train": {"epochs": 0}}, "params.yaml: train.epochs = 0 should be"),
        (check, {"train": {"validation": 500}}, "train.validation = 500 leaves none of the 500"),
        (check, {"evaluate": {"samples": [3, 30]}}, "evaluate.samples names image 30, but the"),
        (train, {"train": {"epochs": 0}}, "params.yaml: train.epochs = 0 should be"),
        (train, {"train": {"validation": 500}}, "train.validation = 500 leaves none of the 500"),
        (train, {"train": {"learning_rate": 1e9}}, "lower train.learning_rate"),
        (evaluate, {"evaluate": {"samples": []}}, "evaluate.samples = [] "),
        (train, {"train": {"learning_rate": 1e307}}, "lower train.learning_rate"),
        (evaluate, {"evaluate": {"samples": [30]}}, "evaluate.samples names image 30"),
        (report, {"evaluate": {"samples": [30]}}, "evaluate.samples names image 30"),
        (download, {"download": {"dataset": "mist"}}, "download.dataset = 'mist' should"),
        (export, {"export": {"scale": 0}}, "export.scale = 0 should be"),
        (lesson, {"lesson": {"spread": 0.3}}, "lesson.spread = 0.3 should be"),
    ],
)
def test_bad_input_is_one_line_and_touches_nothing(
    workspace: Workspace,
    capsys: pytest.CaptureFixture[str],
    stage: ModuleType,
    changes: dict[str, dict[str, object]],
    message: str,
) -> None:
    folder = workspace(train={"epochs": 1})
    train.main()
    workspace(**changes)
    before = contents(folder)
    capsys.readouterr()
    with pytest.raises(SystemExit, match="2"):
        stage.main()
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert message in said
    assert said.count("\n") == 1
    assert contents(folder) == before


PINNED, LOCKED = "not what datasets.yaml pins; run `dvc repro download`", "not what dvc.lock has"


@pytest.mark.parametrize(
    ("stage", "path", "message"),
    [
        (train, "data/mnist/train-images-idx3-ubyte", PINNED),
        (train, "data/mnist/train-labels-idx1-ubyte", PINNED),
        (evaluate, "data/mnist/t10k-images-idx3-ubyte", PINNED),
        (evaluate, "models/softmax.safetensors", LOCKED),
        (export, "models/softmax.safetensors", LOCKED),
        (export, "models/epochs", LOCKED),
        (report, "models/softmax.safetensors", LOCKED),
        (report, "metrics/predictions.csv", LOCKED),
        (report, "data/mnist/t10k-labels-idx1-ubyte", PINNED),
    ],
)
def test_one_flipped_bit_of_what_a_stage_reads_is_found(
    finished: Path, capsys: pytest.CaptureFixture[str], stage: ModuleType, path: str, message: str
) -> None:
    write_lock()
    stage.main()
    damaged = Path(path) / "1.safetensors" if Path(path).is_dir() else Path(path)
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    before = contents(finished)
    capsys.readouterr()

    with pytest.raises(SystemExit, match="2"):
        stage.main()
    assert capsys.readouterr().err.startswith(f"error: {path}: {message}")
    assert contents(finished) == before


@pytest.mark.parametrize("stage", [evaluate, export, report])
@pytest.mark.parametrize("shape", [(10, 783), (1, 784), (9, 784), (784, 10)])
def test_weights_of_another_shape_are_one_line_and_touch_nothing(
    finished: Path,
    capsys: pytest.CaptureFixture[str],
    stage: ModuleType,
    shape: tuple[int, int],
) -> None:
    paths.WEIGHTS.write_bytes(model.to_bytes(np.zeros((shape[0], shape[1] + 1))))
    before = contents(finished)
    capsys.readouterr()
    with pytest.raises(SystemExit, match="2"):
        stage.main()
    told = f"error: {paths.WEIGHTS}: weight is {shape} and bias ({shape[0]},), should be (10, 784)"
    assert capsys.readouterr().err == f"{told} and (10,); run `dvc repro`\n"
    assert contents(finished) == before


def test_what_the_data_do_not_allow_is_told_before_they_are_here(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace(evaluate={"samples": [30]})
    catalog.directory("mnist").rename("elsewhere")
    with pytest.raises(SystemExit, match="2"):
        check.main()
    assert "evaluate.samples names image 30, but the test set ends at 29" in capsys.readouterr().err
    assert not paths.CHECKED.exists()


def test_a_stage_without_its_input_says_what_makes_it(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace()
    with pytest.raises(SystemExit, match="2"):
        evaluate.main()
    assert f"{paths.WEIGHTS}: not found; run `dvc repro`\n" in capsys.readouterr().err
    catalog.directory("mnist").rename("elsewhere")
    with pytest.raises(SystemExit, match="2"):
        train.main()
    assert "dvc repro download" in capsys.readouterr().err
