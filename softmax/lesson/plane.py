"""The lecture in two dimensions: three clouds of points, and the same model and training.

A point is an image of two pixels. They are whole numbers, 255 x, and may be negative, but in the
square from -1 to 1 no larger than a white one, so that all sums are exact for the same reasons.
"""

import numpy as np
import pandas as pd

from softmax.core import arithmetic, model
from softmax.core.arithmetic import WHITE
from softmax.core.arrays import FloatArray
from softmax.core.data import Dataset, batches
from softmax.pipeline.params import Lesson
from softmax.results import evaluation
from softmax.training import fitting, history, randomness
from softmax.training.fitting import Epoch
from softmax.training.state import Hyperparameters

CENTRES = np.array([[0, 102], [87, -51], [-87, -51]])  # of red, green and blue, in 255ths
CLASSES = len(CENTRES)
POINTS = 2**64 - 1  # the random stream of the points, which no epoch reaches
CELLS = 256  # of the lattice, across and down


def points(params: Lesson) -> Dataset:
    """The clouds, class by class: 255 x, int16 (n, 2), and labels, uint8 (n,).

    The sum of three uniform values between ±spread has the standard deviation spread.
    """
    count = CLASSES * params.points
    u, v, w = randomness.uniform(3 * count * 2, params.seed, POINTS).reshape(3, count, 2)
    labels = np.arange(count) // params.points
    places = CENTRES[labels] + (u + v + w) * (params.spread * WHITE)
    return Dataset(arithmetic.snap(places, 1.0).astype(np.int16), labels.astype(np.uint8), CLASSES)


def lattice() -> Dataset:
    """Points that fill the square as the cells of a picture do: row by row, from the top left.

    255 x is odd, -255 to 255, int16 (CELLS * CELLS, 2); the labels mean nothing.
    """
    across = np.arange(1 - CELLS, CELLS, 2, dtype=np.int16)
    cells = np.stack(np.meshgrid(across, -across), axis=-1).reshape(-1, 2)
    return Dataset(cells, np.zeros(len(cells), np.uint8), CLASSES)


def fit(data: Dataset, params: Lesson) -> list[Epoch]:
    """Softmax regression by full-batch gradient descent, epoch by epoch: theta (3, 3)."""
    train = _train(params, len(data.labels), params.learning_rate)
    return list(fitting.fit(*data.split(0), train))


def fit_logistic(data: Dataset, params: Lesson) -> list[FloatArray]:
    """For each class a logistic regression on whether a point is of it: theta (2, 3) each.

    It is the softmax regression of two classes, because with z = z_1 - z_0

        e^z_1 / (e^z_0 + e^z_1) = 1 / (1 + e^-z).

    A step moves z from both sides, so that half the rate makes it the lecture's.
    """
    train = _train(params, len(data.labels), params.learning_rate / 2)
    thetas = []
    for k in range(CLASSES):
        one_or_other = Dataset(data.images, data.labels == k, 2)
        *_, last = fitting.fit(*one_or_other.split(0), train)
        thetas.append(last.theta)
    return thetas


def probabilities(theta: FloatArray, data: Dataset) -> FloatArray:
    """The softmax of each point: (3, n)."""
    count = len(data.labels)
    (all_of_them,) = batches(data, range(count), count)
    return model.softmax(model.logits(theta, all_of_them.x))


def logistic(thetas: list[FloatArray], data: Dataset) -> FloatArray:
    """What each logistic regression gives each point, on its own: (3, n)."""
    return np.stack([probabilities(theta, data)[1] for theta in thetas])


def totals(p: FloatArray) -> FloatArray:
    """What three probabilities (3, n) add up to at each point: (n,)."""
    red, green, blue = p
    return red + green + blue  # off the grids, so that the order counts


def metrics(last: Epoch, a: FloatArray, q: FloatArray) -> dict[str, float]:
    """The final loss and accuracy, and how far sums of softmax a and of logistic q reach."""
    softmax, logistic = totals(a), totals(q)
    return history.metrics(last) | {
        "softmax_sum_min": softmax.min(),
        "softmax_sum_max": softmax.max(),
        "logistic_sum_min": logistic.min(),
        "logistic_sum_max": logistic.max(),
    }


def table(data: Dataset, theta: FloatArray, thetas: list[FloatArray]) -> pd.DataFrame:
    """A row for each point: 255 x, label, prediction, softmax p, logistic q, and their sum."""
    z, q = evaluation.logits(theta, data), logistic(thetas, data)
    places = {f"x{k}": x for k, x in enumerate(data.images.T, start=1)}
    judged = evaluation.predictions(z, model.softmax(z), data.labels)
    alone = {f"q{k}": row for k, row in enumerate(q)} | {"q_sum": totals(q)}
    return pd.DataFrame(places).join(judged).assign(**alone)


def _train(params: Lesson, count: int, learning_rate: float) -> Hyperparameters:
    """Gradient descent with `count` points, all of them, in each batch."""
    return Hyperparameters(
        seed=params.seed,
        epochs=params.epochs,
        batch_size=count,
        optimizer="sgd",
        learning_rate=learning_rate,
        schedule="constant",
        momentum=0.0,
        weight_decay=0.0,
        averaging=0.0,
    )
