"""The lecture's examples against its own numbers, plain Python, and derivatives of two kinds."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from softmax.lesson import examples
from softmax.lesson.examples import Example
from softmax.pipeline import files

Doubles = NDArray[np.float64]

EXAMPLES = {example.name: example for example in examples.examples()}
W = np.array([[0.31, 3.95], [7.07, -0.23], [-6.27, -2.35]])
B = np.array([1.2, 2.93, -4.14])
X = np.array([-0.1, 1.4])
DERIVATIVES = [
    "Jacobian",
    "gradient by a",
    "gradient by z, chain rule",
    "gradient by z",
    "gradient by W",
    "gradient by b",
]


def slopes(x: Doubles, loss: torch.Tensor, leaf: torch.Tensor) -> Doubles:
    """The gradient of `loss` by `leaf`, shaped like x."""
    (gradient,) = torch.autograd.grad(loss, leaf, retain_graph=True)
    return gradient.numpy().reshape(x.shape)


def test_scores_and_probabilities_are_the_lectures() -> None:
    assert EXAMPLES["scores"].value.round(3).tolist() == [6.699, 1.901, -6.803]
    assert EXAMPLES["probabilities"].value.round(3).tolist() == [0.992, 0.008, 0.000]


def test_what_is_given_is_the_lectures() -> None:
    assert EXAMPLES["weights"].value == pytest.approx(W, abs=1e-9)
    assert EXAMPLES["biases"].value == pytest.approx(B, abs=1e-9)
    points = [[-0.1, 1.4], [1.3, 0.9], [-1.4, -1.1]]
    assert EXAMPLES["points"].value.T.tolist() == points
    predictions = [[0.9, 0.1, 0], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]]
    assert EXAMPLES["predictions"].value.T.tolist() == predictions
    for label, x in enumerate(points):
        assert (W @ x + B).argmax() == label  # its model is right


def test_likelihoods_and_cross_entropies_by_hand() -> None:
    scores = (W @ X + B).tolist()
    powers = [math.exp(z) for z in scores]
    expected = {
        "sigmoids": [1 / (1 + math.exp(-z)) for z in scores],
        "cross-entropy": [-math.log(powers[1] / sum(powers))],
        "likelihoods": [0.9, 0.8, 0.7],
        "likelihood of all": [0.9 * 0.8 * 0.7],
        "cross-entropy of all": [-math.log(0.9 * 0.8 * 0.7)],
    }

    for name, numbers in expected.items():
        np.testing.assert_allclose(EXAMPLES[name].value, numbers, atol=1e-7, err_msg=name)


def test_derivatives_are_those_of_autograd() -> None:
    """By the chain itself: each link is a leaf of its own."""
    w, b, x = (torch.tensor(array, requires_grad=True) for array in (W, B, X))
    z = w @ x + b
    a = torch.softmax(z, 0)
    loss = -torch.log(a[1])
    jacobian = np.stack([slopes(B, a[k], z) for k in range(3)])
    by_z = slopes(B, loss, z)
    expected = [jacobian, slopes(B, loss, a), by_z, by_z, slopes(W, loss, w), slopes(B, loss, b)]

    for name, derivative in zip(DERIVATIVES, expected, strict=True):
        np.testing.assert_allclose(EXAMPLES[name].value, derivative, atol=1e-7, err_msg=name)


def test_all_derivatives_and_nothing_else_have_differences() -> None:
    differences = {name: e.differences for name, e in EXAMPLES.items() if e.differences is not None}

    assert list(differences) == DERIVATIVES
    for name, slope in differences.items():
        assert slope.shape == EXAMPLES[name].value.shape
        np.testing.assert_allclose(slope, EXAMPLES[name].value, atol=1e-6, err_msg=name)
        assert (slope != EXAMPLES[name].value).any(), name


def test_the_table_tells_numbers_and_the_largest_difference() -> None:
    value, differences = np.array([[1.0, -0.25], [1e-9, 1 / 3]]), np.array([[1, -0.5], [0, 1 / 3]])
    table = examples.table([Example("name", "y = x", value, differences), Example("b", "b", B)])

    assert files.to_csv(table).decode().splitlines()[1:] == [
        "name,y = x,1 -0.25; 1e-09 0.333333,0.25",
        "b,b,1.2 2.93 -4.14,",
    ]
