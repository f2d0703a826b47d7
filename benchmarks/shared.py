"""Provide the lecture's hyperparameters, and measure times."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from softmax.pipeline import params
from softmax.training.state import Hyperparameters

Name = TypeVar("Name")
Value = TypeVar("Value")

PARAMS = Path(__file__).parents[1] / "tests/lecture.yaml"
SETTINGS = params.load(PARAMS).train
LECTURE = Hyperparameters(**SETTINGS.model_dump(exclude={"validation"}))


def in_turns(
    ways: Mapping[Name, Callable[[], Value]], turns: int, title: str
) -> tuple[dict[Name, list[float]], dict[Name, Value]]:
    """Return the seconds of each way in each turn, and its last result.

    The ways take turns, so a slow minute of the machine affects all of them.
    """
    seconds: dict[Name, list[float]] = {name: [] for name in ways}
    values = {}
    for _ in tqdm(range(turns), desc=f"{title}: turns"):
        for name, way in ways.items():
            start = time.perf_counter()
            values[name] = way()
            seconds[name].append(time.perf_counter() - start)
    return seconds, values
