"""Measure the best accuracy and the training time of this project and of scikit-learn.

This project trains with the hyperparameters that a sweep chose on a validation set
(docs/benchmarks.md), and scikit-learn fits logistic regression by L-BFGS to all training images.
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
    """Return the test accuracy after training on 50,000 images with CHOSEN."""
    training = batches.load(*datasets.training("mnist"))
    *_, last = fitting.fit(*training.split(10_000), CHOSEN)
    return scoring.score(last.theta, batches.load(*datasets.test("mnist"))).accuracy


def lbfgs() -> float:
    """Return the test accuracy of scikit-learn with its defaults, on pixels scaled to 0 to 1."""
    training = batches.load(*datasets.training("mnist"))
    test = batches.load(*datasets.test("mnist"))
    model = LogisticRegression().fit(training.images / 255.0, training.labels)
    return float(model.score(test.images / 255.0, test.labels))


def report() -> str:
    """Return a Markdown table with the seconds of each turn and the test accuracy."""
    methods = {"this project, Adam, averaged": exact, "scikit-learn, L-BFGS": lbfgs}
    seconds, accuracies = in_turns(methods, TURNS, "best accuracy")
    rows = [
        (name, ", ".join(f"{value:.1f}" for value in seconds[name]), f"{accuracies[name]:.2%}")
        for name in methods
    ]
    return tabulate(rows, ["best accuracy", "seconds", "test accuracy"], tablefmt="github")
