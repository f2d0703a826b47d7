"""Which models of a sweep are best, by held-out images, and how much of it is the seed."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from softmax.pipeline import files, paths
from softmax.sweep import shelf
from softmax.sweep.grid import Setting

SEED = "train.seed"
VALIDATION, LOSS = "validation_accuracy", "train_loss"
TEST = "test_accuracy"
WEIGHTS, FAILURE = "weights", "failure"


class Result(NamedTuple):
    """What came of a setting, as it lies in a folder of the shelf."""

    setting: Setting
    folder: Path

    def failure(self) -> str:
        """Why there is no model; empty if there is one."""
        path = self.folder / shelf.FAILURE
        return path.read_text() if path.exists() else ""

    def row(self) -> dict[str, Any]:
        """The changes, accuracies and losses, the SHA-256 of the weights; the failure, if any."""
        if failure := self.failure():
            return {**self.setting.changes, FAILURE: failure}
        train, test = (
            json.loads((self.folder / path).read_bytes())
            for path in (paths.TRAIN_METRICS, paths.TEST_METRICS)
        )
        scores = {f"test_{key}": test[key] for key in ("accuracy", "loss")}
        sha256 = files.sha256(self.folder / paths.WEIGHTS)
        return {**self.setting.changes, **train, **scores, WEIGHTS: sha256}


def varied(results: Sequence[Result]) -> list[str]:
    """The keys whose values differ; all that were asked for where there is one setting."""
    changes = [result.setting.changes for result in results]
    keys = dict.fromkeys(key for one in changes for key in one)
    return [key for key in keys if len({one[key] for one in changes}) > 1] or list(keys)


def has_a_judge(results: Sequence[Result]) -> bool:
    """Whether all held out the same images, by which one may be chosen."""
    held_out = {result.setting.params.train.validation for result in results}
    return len(held_out) == 1 and held_out != {0}


def rank(results: Sequence[Result]) -> pd.DataFrame:
    """A row for each, numbered as in `results`: the best first, failures last.

    Where no held-out images judge, the loss on the training images gives the order.
    """
    table = pd.DataFrame([result.row() for result in results])
    by, rising = (VALIDATION, False) if has_a_judge(results) else (LOSS, True)
    return table.sort_values(by, ascending=rising, kind="stable") if by in table else table


def over_seeds(table: pd.DataFrame, keys: Sequence[str], metric: str) -> pd.DataFrame:
    """Count, mean, standard deviation, least and largest over the seeds of the other `keys`."""
    others = [key for key in keys if key != SEED]
    groups = table.groupby(others, sort=False) if others else table.groupby(lambda _: 0)
    spread = groups[metric].agg(["count", "mean", "std", "min", "max"])
    return spread.sort_values("mean", ascending=False).reset_index(drop=not others)


def best(results: Sequence[Result]) -> Result | None:
    """The one to choose, None if no held-out images judge.

    Where seeds differ, it is of the setting with the best mean over them, and has its first seed.
    """
    table, keys = rank(results), varied(results)
    if not has_a_judge(results) or VALIDATION not in table:
        return None
    others = [key for key in keys if key != SEED]
    if SEED in keys and others:
        first = over_seeds(table, keys, VALIDATION).iloc[0]
        table = table[(table[others] == first[others]).all(axis=1)].sort_index()
    elif SEED in keys:
        table = table.sort_index()
    return results[int(table.index[0])]
