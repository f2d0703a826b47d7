"""Test which model is best, and the text that reports it."""

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from helpers.shared import LECTURE

from softmax.pipeline import files, params, paths
from softmax.sweep import model_cache, ranking
from softmax.sweep.ranking import Result
from softmax.sweep.search_space import Configuration

Make = Callable[..., Result]


def written(results: list[Result]) -> str:
    """Return the text printed for results if all configurations were trained to the end."""
    best = ranking.best(results)
    text = ranking.write(results, [one.configuration for one in results])
    return f"{text}\n{best.configuration.options()}" if best else text


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Return a function that makes a result, of a failed training if `test` is not given."""
    lecture = params.load(LECTURE)

    def result(
        held: int = 9, validation: float = 0, test: float = 0, loss: float = 1, **changes: Any
    ) -> Result:
        train = lecture.train.model_copy(update={"validation": held, **changes})
        setting = Configuration(
            {f"train.{key}": value for key, value in changes.items()},
            lecture.model_copy(update={"train": train}),
        )
        scores = {"validation_accuracy": validation, "validation_loss": loss} if held else {}
        outputs = {
            paths.WEIGHTS: str(changes).encode(),
            paths.TRAIN_METRICS: json.dumps({"train_loss": 1 - test, **scores}).encode(),
            paths.TEST_METRICS: json.dumps({"accuracy": test, "loss": 1}).encode(),
        }
        failed = {model_cache.FAILURE: b"it left the range, at once"}
        directory = tmp_path / str(changes)
        files.write(
            {directory / path: text for path, text in (outputs if test else failed).items()}
        )
        return Result(setting, directory)

    return result


def test_the_best_model_is_chosen_on_the_validation_set(make: Make) -> None:
    results = [
        make(learning_rate=0.1, validation=0.8, test=0.9),
        make(learning_rate=9.9),
        make(learning_rate=0.2, validation=0.85, test=0.7),
    ]
    assert list(ranking.rank(results).index) == [2, 0, 1]
    assert ranking.best(results) == results[2]
    text = written(results)
    assert "\n-S train.learning_rate=0.2" in text
    assert "it left the range" in text
    assert ranking.varied(results[:1]) == ranking.varied(results) == ["train.learning_rate"]


@pytest.mark.parametrize(
    ("validation_sets", "test", "output"),
    [
        ((0, 0), 0.9, "no best model is selected"),
        ((0, 5), 0.9, "no best model is selected"),
        ((9, 9), 0, "No model could be trained."),
    ],
)
def test_no_model_is_best_without_a_common_validation_set(
    validation_sets: tuple[int, int], test: float, output: str, make: Make
) -> None:
    results = [make(n, test=test, learning_rate=k) for k, n in enumerate(validation_sets, 1)]
    assert ranking.best(results) is None
    assert output in written(results)


def test_the_best_model_over_seeds_has_the_best_mean(make: Make) -> None:
    scores = {(0.1, 0): 0.80, (0.1, 1): 0.90, (0.2, 0): 0.86, (0.2, 1): 0.88}
    results = [
        make(learning_rate=rate, seed=seed, validation=accuracy, test=accuracy - 0.1)
        for (rate, seed), accuracy in scores.items()
    ]
    assert ranking.best(results) == results[2]
    assert "0.2              2        77.00%  1.41%  76.00%  78.00%" in written(results)


@pytest.mark.parametrize("others", [{}, {"momentum": 0.5}])
def test_a_seed_that_failed_is_not_the_best(others: dict[str, float], make: Make) -> None:
    results = [make(seed=0), *(make(seed=k, validation=0.8, test=0.8) for k in (1, 2))]
    if others:
        results = [make(seed=0, momentum=0.1), make(seed=1, momentum=0.1, validation=0.9, test=0.9)]
        results += [make(seed=k, momentum=0.5, validation=0.8, test=0.8) for k in (0, 1)]
    assert ranking.best(results) == results[1]
    assert "\n-S train.seed=1" in written(results)


@pytest.mark.parametrize("seeds", [[0], [0, 1]])
def test_the_validation_loss_breaks_a_tie(seeds: list[int], make: Make) -> None:
    results = [
        make(learning_rate=rate, seed=seed, validation=0.5, test=0.5, loss=losses[seed])
        for rate, losses in ((1, (0.3, 0.0)), (2, (0.2, 0.05)), (3, (0.4, 0.4)))
        for seed in seeds
    ]
    assert ranking.best(results) == results[len(seeds)]


@pytest.mark.parametrize(("best", "edge"), [(1, "1 is the smallest"), (2, ""), (3, "3 is the la")])
def test_a_best_value_at_the_edge_of_a_range_is_reported(best: int, edge: str, make: Make) -> None:
    results = [make(epochs=k, validation=0.9 - (k != best) / 10, test=0.9) for k in (1, 2, 3)]
    text = written(results)
    assert ("value tried" in text) == bool(edge)
    assert f"train.epochs={edge}" in text


def test_tables_show_integers_without_decimals_and_count_omitted_rows(make: Make) -> None:
    configs = product(range(1, 13), (1, 0.5), (0, 1))
    text = written([make(test=1, epochs=e, learning_rate=r, seed=s) for e, r, s in configs])
    assert ".0 " not in text
    assert [text.count(f"and {rows} more") for rows in (28, 4)] == [1, 2]
