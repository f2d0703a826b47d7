"""How near to the best that this model can do, and in what time, beside scikit-learn?

    python -m benchmarks.ceiling

Trains the recipe that a sweep chose by held-out images (docs/benchmarks.md), and scikit-learn's
logistic regression by L-BFGS on all training images, in turns. Needs data/mnist (`dvc repro
download`). Prints seconds and test accuracy of each.
"""

import time
from collections.abc import Callable

import numpy as np
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from benchmarks.settings import LECTURE
from softmax.core import data
from softmax.core.arithmetic import WHITE
from softmax.pipeline import catalog
from softmax.training import fitting, scoring

TURNS = 3
HELD_OUT = 10_000
CHOSEN = LECTURE._replace(optimizer="adam", learning_rate=0.003, averaging=0.99)


def exact() -> float:
    """The test accuracy of the chosen recipe, trained without the held-out images."""
    training = data.load(*catalog.training_files("mnist"))
    *_, last = fitting.fit(*training.split(HELD_OUT), CHOSEN)
    return scoring.score(last.theta, data.load(*catalog.test_files("mnist"))).accuracy


def lbfgs() -> float:
    """The test accuracy of scikit-learn's defaults on pixels from 0 to 1."""
    training = data.load(*catalog.training_files("mnist"))
    test = data.load(*catalog.test_files("mnist"))
    model = LogisticRegression().fit(training.images / np.float64(WHITE), training.labels)
    return float(model.score(test.images / np.float64(WHITE), test.labels))


def main() -> None:
    """Time both, in turns, and print a row for each turn."""
    ways: dict[str, Callable[[], float]] = {"exact": exact, "scikit-learn": lbfgs}
    for _ in tqdm(range(TURNS), desc="turns"):
        for name, way in ways.items():
            start = time.perf_counter()
            accuracy = way()
            tqdm.write(f"{name:13}{time.perf_counter() - start:6.1f} s  {accuracy:.2%}")


if __name__ == "__main__":
    main()
