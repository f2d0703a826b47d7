"""Rank the models of a sweep on the validation set, and show the spread over seeds."""

import io
import json
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from softmax.pipeline import datasets, files, paths
from softmax.pipeline.params import Params
from softmax.sweep import model_cache
from softmax.sweep.search_space import Configuration

SEED = "train.seed"
VALIDATION, LOSS = "validation_accuracy", "train_loss"
TEST = "test_accuracy"
TITLES = {"train.validation": "validation images", VALIDATION: "validation", TEST: "test"}
WEIGHTS, FAILURE = "weights", "failure"
ROWS = 20
DIGITS = 12  # hexadecimal digits of a shortened hash
PERCENTAGES = (VALIDATION, TEST, "mean", "std", "min", "max")
FORMATS = {LOSS: "{:.4f}"} | dict.fromkeys(PERCENTAGES, "{:.2%}")
NO_MODEL = "No model could be trained."
NO_VALIDATION = "The models do not share a validation set, so no best model is selected."


class Result(NamedTuple):
    configuration: Configuration
    directory: Path

    def failure(self) -> str:
        """Return why training failed, or "" if it succeeded."""
        path = self.directory / model_cache.FAILURE
        return path.read_text() if path.exists() else ""

    def row(self) -> dict[str, Any]:
        """Return the changes, accuracies, losses and SHA-256 of the weights, or the failure."""
        if failure := self.failure():
            return {**self.configuration.changes, FAILURE: failure}
        train, test = (
            json.loads((self.directory / path).read_bytes())
            for path in (paths.TRAIN_METRICS, paths.TEST_METRICS)
        )
        scores = {f"test_{key}": test[key] for key in ("accuracy", "loss")}
        sha256 = files.sha256(self.directory / paths.WEIGHTS)
        return {**self.configuration.changes, **train, **scores, WEIGHTS: sha256}


def varied(results: Sequence[Result]) -> list[str]:
    """Return the keys whose values differ between results, or all keys if none differs."""
    changes = [result.configuration.changes for result in results]
    keys = dict.fromkeys(key for change in changes for key in change)
    return [key for key in keys if len({change[key] for change in changes}) > 1] or list(keys)


def has_validation(results: Sequence[Result]) -> bool:
    """Tell whether all results have the same validation set, so that the best can be chosen."""
    validation_set = {result.configuration.params.train.validation for result in results}
    return len(validation_set) == 1 and validation_set != {0}


def rank(results: Sequence[Result]) -> pd.DataFrame:
    """Return a row for each of `results`, indexed by its position: best first, failures last.

    Rows are sorted by accuracy and then by loss on the validation set, or without a validation set
    by loss on the training set.
    """
    table = pd.DataFrame([result.row() for result in results])
    by = {VALIDATION: False, _loss(VALIDATION): True} if has_validation(results) else {LOSS: True}
    if LOSS not in table:
        return table
    return table.sort_values([*by], ascending=[*by.values()], kind="stable")


def _loss(accuracy: str) -> str:
    return accuracy.replace("accuracy", "loss")


def over_seeds(table: pd.DataFrame, keys: Sequence[str], metric: str) -> pd.DataFrame:
    """Return count, mean, standard deviation, minimum and maximum over seeds, by the other `keys`.

    Rows are sorted by mean, best first, and on ties by mean loss.
    """
    others = [key for key in keys if key != SEED]
    groups = table.groupby(others or (lambda _: 0), sort=False)
    spread = groups[metric].agg(["count", "mean", "std", "min", "max"])
    spread["loss"] = groups[_loss(metric)].mean()
    spread = spread.sort_values(["mean", "loss"], ascending=[False, True]).drop(columns="loss")
    return spread.reset_index(drop=not others)


def best(results: Sequence[Result]) -> Result | None:
    """Return the best result, or None without a shared validation set or a trained model.

    If seeds differ, choose the hyperparameters with the best mean over seeds, and their first seed.
    """
    table, keys = rank(results), varied(results)
    if not has_validation(results) or VALIDATION not in table:
        return None
    table = table.dropna(subset=VALIDATION)
    if SEED in keys:
        first = over_seeds(table, keys, VALIDATION).iloc[0]
        others = [key for key in keys if key != SEED]
        table = table[(table[others] == first[others]).all(axis=1)].sort_index()
    return results[int(table.index[0])]


def write(results: Sequence[Result], tried: Sequence[Configuration], form: str = "simple") -> str:
    """Return a text: the ranking, the spread over seeds, and which model is the best."""
    table, keys = rank(results), varied(results)
    metrics, parts = [x for x in (VALIDATION, TEST) if x in table], [tabulate(results, form)]
    if SEED in keys:
        for metric in metrics:
            spread = over_seeds(table, keys, metric)
            parts.append(f"{_title(metric)} accuracy over seeds\n{_tabulated(spread, form)}")
    if first := best(results):
        weights = first.row()[WEIGHTS][:DIGITS]
        parts.append(f"Best model on the validation set: weights with SHA-256 {weights}...")
        parts += _at_edge(first, tried)
    else:
        parts.append(NO_VALIDATION + hint(tried[0].params) if metrics else NO_MODEL)
    if len(results) < len(tried):
        parts.append(f"{len(results)} of {len(tried)} models were trained for all epochs.")
    return "\n\n".join(parts)


def hint(config: Params) -> str:
    """Suggest a size for the validation set, or return "" if the data set allows none."""
    entry = datasets.load()[config.download.dataset]
    low, high = entry.validation or (1, entry.images[0] - 1)
    count = min(max(entry.images[0] // 6, low), high)  # a sixth, such as 10,000 images of MNIST
    return f" Add train.validation={count} to the sweep." if low <= high else ""


def _at_edge(first: Result, tried: Sequence[Configuration]) -> list[str]:
    """Return a line for each value of `first` that is the smallest or largest number tried."""
    lines = []
    for key, value in first.configuration.changes.items():
        values = {configuration.changes[key] for configuration in tried}
        end = {min(values): "smallest", max(values): "largest"}.get(value)
        if len(values) > 1 and end and value and key != SEED and not isinstance(value, str):
            lines.append(f"{key}={value} is the {end} value tried. A wider range may be better.")
    return lines


def tabulate(results: Sequence[Result], form: str = "simple") -> str:
    """Return the ranking as a table in `form`, a format of the library tabulate."""
    table = rank(results)
    columns = [*varied(results), VALIDATION, TEST, LOSS, WEIGHTS, FAILURE]
    return _tabulated(table[[name for name in columns if name in table]], form)


def _tabulated(table: pd.DataFrame, form: str) -> str:
    top = {_title(k): table[k].head(ROWS).map(partial(_written, k)) for k in map(str, table)}
    text = pd.DataFrame(top).to_markdown(tablefmt=form, index=False, disable_numparse=True)
    more = f"\n\nand {len(table) - ROWS} more (`softmax sweep --json` prints all of them)"
    return text + (more if len(table) > ROWS else "")


def _title(column: str) -> str:
    return TITLES.get(column, column.removeprefix("train.").replace("_", " "))


def _written(column: str, value: Any) -> str:
    """Format a cell: accuracies in percent, hashes and failures shortened."""
    if pd.isna(value):
        return "-"
    if isinstance(value, str):
        return value[:DIGITS] if column == WEIGHTS else value.partition(",")[0]
    return FORMATS.get(column, "{}").format(value).removesuffix(".0")


def draw(results: Sequence[Result]) -> bytes:
    """Return a PNG with a panel for each key that varies, and a dot for each model."""
    table, keys = rank(results), varied(results)
    metric = VALIDATION if has_validation(results) else TEST
    rows = math.ceil(len(keys) / 2)
    figure = Figure((7.2, 2.5 * rows), layout="constrained", dpi=100)  # as wide as MLflow's notes
    panels = figure.subplots(rows, 2, sharey=True).ravel()
    for spare in panels[len(keys) :]:
        spare.remove()
    for panel, key in zip(panels, keys, strict=False):
        values = table[key]
        if len(places := sorted(values.unique())) <= 12:  # space these values evenly
            values = values.map(places.index)
            panel.set_xticks(range(len(places)), map(str, places))
            panel.margins(x=0.5 / len(places))
        panel.scatter(values, table[metric], s=26, alpha=0.5, edgecolors="none")
        panel.set_xlabel(key)
        panel.grid(alpha=0.25)
    figure.supylabel(metric.replace("_", " "))
    panels[0].yaxis.set_major_formatter(PercentFormatter(1))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
