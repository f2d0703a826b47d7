"""How near to the best that this model can do, and in what time, beside scikit-learn?

Trains the recipe that a sweep chose by held-out images (docs/benchmarks.md), and scikit-learn's
logistic regression by L-BFGS on all training images, in turns.
"""

import time
from collections.abc import Callable

import numpy as np
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from benchmarks.settings import LECTURE
from softmax.core import batches
from softmax.core.arithmetic import WHITE
from softmax.pipeline import datasets
from softmax.training import fitting, scoring

TURNS = 3
HELD_OUT = 10_000
CHOSEN = LECTURE._replace(optimizer="adam", learning_rate=0.003, averaging=0.99)


def exact() -> float:
    """The test accuracy of the chosen recipe, trained without the held-out images."""
    training = batches.load(*datasets.training("mnist"))
    *_, last = fitting.fit(*training.split(HELD_OUT), CHOSEN)
    return scoring.score(last.theta, batches.load(*datasets.test("mnist"))).accuracy


def lbfgs() -> float:
    """The test accuracy of scikit-learn's defaults on pixels from 0 to 1."""
    training = batches.load(*datasets.training("mnist"))
    test = batches.load(*datasets.test("mnist"))
    model = LogisticRegression().fit(training.images / np.float64(WHITE), training.labels)
    return float(model.score(test.images / np.float64(WHITE), test.labels))


def report() -> str:
    """A table in Markdown: seconds of each turn, and test accuracy."""
    ways: dict[str, Callable[[], float]] = {
        "exact, Adam, averaged": exact,
        "scikit-learn, L-BFGS": lbfgs,
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    accuracies = {}
    for _ in tqdm(range(TURNS), desc="ceiling: turns"):
        for name, way in ways.items():
            start = time.perf_counter()
            accuracies[name] = way()
            seconds[name].append(time.perf_counter() - start)
    lines = ["| the ceiling | seconds | test accuracy |", "| --- | --- | --- |"]
    for name, values in seconds.items():
        times = ", ".join(f"{value:.1f}" for value in values)
        lines.append(f"| {name} | {times} | {accuracies[name]:.2%} |")
    return "\n".join(lines)
