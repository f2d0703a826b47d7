"""Provide the lecture's hyperparameters, describe the machine, and measure times."""

import os
import platform
import re
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from softmax.pipeline import params
from softmax.training.state import Hyperparameters

Name = TypeVar("Name")
Value = TypeVar("Value")

CPUINFO = Path("/proc/cpuinfo")  # on Linux; contains the model name only on x86-64
LIBRARIES = ("numpy", "numba", "torch", "jax", "scikit-learn")
PARAMS = Path(__file__).parents[1] / "tests/lecture.yaml"
LECTURE = Hyperparameters(**params.load(PARAMS).train.model_dump(exclude={"validation"}))


def groups(models: int) -> list[list[Hyperparameters]]:
    """Return `models` configurations in groups that train together.

    Their learning rates differ, because a sweep takes equal steps only once.
    """
    from softmax.sweep.groups import MAX_GROUP_SIZE  # imports Numba, which not all benchmarks need

    rates = (LECTURE.learning_rate * (1 + k / models) for k in range(models))
    chosen = [LECTURE._replace(epochs=1, learning_rate=rate) for rate in rates]
    return [chosen[k : k + MAX_GROUP_SIZE] for k in range(0, models, MAX_GROUP_SIZE)]


def machine() -> str:
    """Return the processor, the number of CPUs, and the versions of Python and libraries."""
    names = re.findall("model name[^:]*: (.*)", CPUINFO.read_text()) if CPUINFO.exists() else []
    model = names[0] if names else platform.processor() or platform.machine()
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"{model}, {os.cpu_count()} CPUs; Python {platform.python_version()}, {libraries}."


def in_turns(
    functions: Mapping[Name, Callable[[], Value]], turns: int, title: str
) -> tuple[dict[Name, list[float]], dict[Name, Value]]:
    """Return the seconds of each function in each turn, and its last result.

    The functions take turns, so if the machine is slow for a minute, that affects all of them.
    """
    seconds: dict[Name, list[float]] = {name: [] for name in functions}
    values = {}
    for _ in tqdm(range(turns), desc=f"{title}: turns"):
        for name, function in functions.items():
            start = time.perf_counter()
            values[name] = function()
            seconds[name].append(time.perf_counter() - start)
    return seconds, values
