"""Measure the best accuracy of this model, and the time that it takes, beside scikit-learn.

Alternates between the hyperparameters that a sweep chose on a validation set (docs/benchmarks.md),
and scikit-learn's logistic regression by L-BFGS on all training images.
"""

from sklearn.linear_model import LogisticRegression
from tabulate import tabulate

from benchmarks.shared import LECTURE, in_turns
from softmax.core import batches
from softmax.pipeline import datasets
from softmax.training import fitting, scoring

TURNS = 3
CHOSEN = LECTURE._replace(optimizer="adam", learning_rate=0.003, averaging=0.99)


def exact() -> float:
    """Return the test accuracy with the chosen hyperparameters, without the validation images."""
    training = batches.load(*datasets.training("mnist"))
    *_, last = fitting.fit(*training.split(10_000), CHOSEN)
    return scoring.score(last.theta, batches.load(*datasets.test("mnist"))).accuracy


def lbfgs() -> float:
    """Return the test accuracy of scikit-learn with its defaults, on pixels from 0 to 1."""
    training = batches.load(*datasets.training("mnist"))
    test = batches.load(*datasets.test("mnist"))
    model = LogisticRegression().fit(training.images / 255.0, training.labels)
    return float(model.score(test.images / 255.0, test.labels))


def report() -> str:
    """Return a table in Markdown: seconds of each turn, and test accuracy."""
    ways = {"exact, Adam, averaged": exact, "scikit-learn, L-BFGS": lbfgs}
    seconds, accuracies = in_turns(ways, TURNS, "ceiling")
    rows = [
        (name, ", ".join(f"{value:.1f}" for value in seconds[name]), f"{accuracies[name]:.2%}")
        for name in ways
    ]
    return tabulate(rows, ["the ceiling", "seconds", "test accuracy"], tablefmt="github")
