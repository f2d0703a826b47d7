"""Which model is best, and the words for it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.shared import LECTURE

from softmax.pipeline import files, params, paths
from softmax.sweep import ranking, shelf, summary
from softmax.sweep.grid import Setting
from softmax.sweep.ranking import Result

Make = Callable[..., Result]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a result: make({"seed": 1}, validation=0.9, test=0.8), or one that failed."""
    values = yaml.safe_load(LECTURE.read_text())

    def result(changes: dict[str, Any], **accuracies: float) -> Result:
        valid = params.validate(values | {"train": values["train"] | changes}, "here")
        directory = tmp_path / str(len(list(tmp_path.iterdir())))
        facts: dict[Path, bytes] = {shelf.FAILURE: b"it left the range, at once"}
        if accuracies:
            train = {"train_loss": 1 - accuracies["test"]}
            if "validation" in accuracies:
                train["validation_accuracy"] = accuracies["validation"]
            facts = {
                paths.WEIGHTS: str(changes).encode(),
                paths.TRAIN_METRICS: json.dumps(train).encode(),
                paths.TEST_METRICS: json.dumps(
                    {"accuracy": accuracies["test"], "loss": 1}
                ).encode(),
            }
        files.write({directory / path: content for path, content in facts.items()})
        named = {f"train.{key}": value for key, value in changes.items() if key != "validation"}
        return Result(Setting(named, valid), directory)

    return result


def test_held_out_images_choose_and_not_the_test_set(make: Make) -> None:
    results = [
        make({"learning_rate": 0.1, "validation": 9}, validation=0.8, test=0.9),
        make({"learning_rate": 9.9, "validation": 9}),
        make({"learning_rate": 0.2, "validation": 9}, validation=0.85, test=0.7),
    ]
    assert list(ranking.rank(results).index) == [2, 0, 1]
    assert ranking.best(results) == results[2]
    text = summary.write(results)
    assert "dvc exp run -S train.learning_rate=0.2" in text
    assert "it left the range" in text


@pytest.mark.parametrize("others", [0, 5])
def test_without_the_same_held_out_images_none_is_best(others: int, make: Make) -> None:
    results = [
        make({"learning_rate": 0.1, "validation": 0}, test=0.9),
        make({"learning_rate": 0.2, "validation": others}, test=0.95),
    ]
    assert ranking.best(results) is None
    assert "the test set must not choose" in summary.write(results)


def test_where_every_setting_fails_that_is_said(make: Make) -> None:
    results = [make({"learning_rate": rate, "validation": 9}) for rate in (8.0, 9.0)]
    assert ranking.best(results) is None
    assert "No setting gave a model." in summary.write(results)


def test_over_seeds_the_mean_chooses(make: Make) -> None:
    scores = {(0.1, 0): 0.80, (0.1, 1): 0.90, (0.2, 0): 0.86, (0.2, 1): 0.88}
    results = [
        make({"learning_rate": rate, "seed": seed, "validation": 9}, validation=v, test=v - 0.1)
        for (rate, seed), v in scores.items()
    ]
    best = ranking.best(results)
    assert best is not None
    assert dict(best.setting.changes) == {"train.learning_rate": 0.2, "train.seed": 0}

    spread = ranking.over_seeds(ranking.rank(results), ranking.varied(results), "test_accuracy")
    first = spread.iloc[0]
    assert first["train.learning_rate"] == 0.2
    assert first["count"] == 2
    assert first["mean"] == pytest.approx(0.77)
    assert first["std"] == pytest.approx(0.02 / 2**0.5)
    assert (first["min"], first["max"]) == (pytest.approx(0.76), pytest.approx(0.78))
    assert "77.00%" in summary.write(results)


def test_of_seeds_alone_it_is_the_first(make: Make) -> None:
    results = [
        make({"seed": seed, "validation": 9}, validation=0.8 + seed / 100, test=0.8)
        for seed in range(3)
    ]
    assert ranking.best(results) == results[0]


def test_the_picture_has_a_panel_for_each_key(make: Make) -> None:
    from io import BytesIO

    from PIL import Image

    from softmax.sweep import picture  # matplotlib takes a second

    results = [
        make({"learning_rate": rate, "optimizer": name}, test=0.9)
        for rate in (0.001, 0.1)
        for name in ("sgd", "adam")
    ]
    keys, table = ranking.varied(results), ranking.rank(results)
    one, two = (
        Image.open(BytesIO(picture.draw(table, chosen, ranking.TEST)))
        for chosen in (keys[:1], keys)
    )
    assert two.width > 1.7 * one.width
    assert two.height == one.height
