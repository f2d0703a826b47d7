"""The lecture's examples in numbers, by the functions that train, and their derivatives.

Derivatives are compared with central differences of the same functions, whose bytes are the same
everywhere. Tests compare them with torch's autograd, too.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from softmax.core import arithmetic, model
from softmax.core.arithmetic import WEIGHT_GRID, WHITE
from softmax.core.arrays import FloatArray

# The lecture's W and, last, b.
THETA = arithmetic.snap(
    np.array([[0.31, 3.95, 1.2], [7.07, -0.23, 2.93], [-6.27, -2.35, -4.14]]), WEIGHT_GRID
)
# 255 x of the lecture's points (-0.1, 1.4), (1.3, 0.9) and (-1.4, -1.1), one for each class. Halves
# and more than 255 are no points of the lesson, but these weights are small.
POINTS = np.array([[-25.5, 331.5, -357.0], [357.0, 229.5, -280.5], [WHITE] * 3])
X = POINTS[:, :1]
# What "a model", the lecture supposes, predicts for the three: a column each.
PREDICTIONS = np.array([[0.9, 0.1, 0.1], [0.1, 0.8, 0.2], [0.0, 0.1, 0.7]])
LABEL = 1  # of X here: not what the model says, so that there is much to learn

STEP = math.ldexp(1, -13)  # the cube root of the grid of exponentials, which errs least
LOG_STEP = math.ldexp(1, -20)  # log bends more, and is on no grid


class Example(NamedTuple):
    """A formula and its value, and central differences if that is a derivative; of one shape."""

    name: str
    formula: str
    value: FloatArray
    differences: FloatArray | None = None


def examples() -> list[Example]:
    """All, in the order of the lecture: what is given, probabilities, likelihoods, derivatives."""
    z, y = model.logits(THETA, X), np.eye(3)
    a = model.softmax(z)
    likelihoods = np.where(y, PREDICTIONS, 1.0).prod(axis=0)  # a to the power of y
    losses = -arithmetic.log(likelihoods)
    return [
        Example("weights", "W", THETA[:, :-1]),
        Example("biases", "b", THETA[:, -1]),
        Example("points", "x⁽¹⁾ x⁽²⁾ x⁽³⁾", POINTS[:-1] / WHITE),
        Example("scores", "z = W x⁽¹⁾ + b", z[:, 0]),
        Example("sigmoids", "σ(zₖ) = 1 / (1 + e^−zₖ)", model.softmax(np.hstack([0 * z, z]).T)[1]),
        Example("probabilities", "aₖ = e^zₖ / Σⱼ e^zⱼ", a[:, 0]),
        Example("label", "y", y[:, LABEL]),
        Example("cross-entropy", "L = −Σⱼ yⱼ log aⱼ", model.cross_entropy(z, y[:, [LABEL]])),
        Example("predictions", "a⁽¹⁾ a⁽²⁾ a⁽³⁾", PREDICTIONS),
        Example("likelihoods", "∏ⱼ aⱼ^yⱼ", likelihoods),
        Example("likelihood of all", "∏ᵢ ∏ⱼ aⱼ^yⱼ", np.array([math.prod(likelihoods.tolist())])),
        Example("cross-entropy of all", "J = −Σᵢ Σⱼ yⱼ log aⱼ", np.array([sum(losses.tolist())])),
        *_derivatives(z, a, y[:, [LABEL]]),
    ]


def jacobian(a: FloatArray) -> FloatArray:
    """da/dz = a 1ᵀ ∘ (I - 1 aᵀ), (classes, classes), at probabilities a, (classes, 1)."""
    return a * (np.eye(len(a)) - a.T)


def table(chosen: Sequence[Example]) -> pd.DataFrame:
    """A row for each example; rows of a matrix are separated by semicolons."""
    return pd.DataFrame(
        {
            "example": example.name,
            "formula": example.formula,
            "value": "; ".join(
                " ".join(f"{x:.6g}" for x in row) for row in np.atleast_2d(example.value)
            ),
            "finite_differences_off_by": None
            if example.differences is None
            else _distance(example.value, example.differences),
        }
        for example in chosen
    )


def _derivatives(z: FloatArray, a: FloatArray, y: FloatArray) -> list[Example]:
    """From dL/da to dL/dW at X. Matrices are columns, as in the lecture."""

    def loss(a: FloatArray) -> FloatArray:
        return -arithmetic.log(a[LABEL])

    by_a = (0 - y) / a
    by_z = sum(da * dl for da, dl in zip(jacobian(a), by_a, strict=True))  # in this order
    residuals = model.residuals(a, y)
    by_theta = model.mean_gradient(model.gradient_sum(residuals, X), 1)
    slopes = _differences(lambda theta: loss(model.softmax(model.logits(theta, X))), THETA, STEP)
    slopes_by_z = _differences(lambda z: loss(model.softmax(z)), z, STEP)
    return [
        Example(
            "Jacobian", "∂a/∂z = a1ᵀ ∘ (I − 1aᵀ)", jacobian(a), _differences(model.softmax, z, STEP)
        ),
        Example("gradient by a", "∂L/∂a = −y / a", by_a[:, 0], _differences(loss, a, LOG_STEP)),
        Example("gradient by z, chain rule", "∂L/∂z = ∂a/∂z ∂L/∂a", by_z, slopes_by_z),
        Example("gradient by z", "∂L/∂z = a − y", residuals[:, 0], slopes_by_z),
        Example("gradient by W", "∂L/∂W = (a − y) xᵀ", by_theta[:, :-1], slopes[:, :-1]),
        Example("gradient by b", "∂L/∂b = a − y", by_theta[:, -1], slopes[:, -1]),
    ]


def _differences(
    function: Callable[[FloatArray], FloatArray], x: FloatArray, step: float
) -> FloatArray:
    """Central differences of each value of `function` by each element of x, without axes of 1."""
    changes = step * np.eye(x.size).reshape(x.size, *x.shape)
    slopes = [(function(x + change) - function(x - change)) / (2 * step) for change in changes]
    return np.stack(slopes, axis=-1).reshape(*slopes[0].shape, *x.shape).squeeze()


def _distance(one: FloatArray, other: FloatArray) -> float:
    """The largest absolute difference of two elements."""
    return float(abs(one - other).max())
