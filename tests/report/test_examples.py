"""The lecture's examples against its own numbers, torch and finite differences."""

from typing import Any

import numpy as np
import pytest
import torch

from softmax.core import model
from softmax.pipeline import files
from softmax.report import examples
from softmax.report.examples import Example

EXAMPLES = {example.name: example for example in examples.examples()}


def test_what_is_given_and_what_follows_are_the_lectures() -> None:
    points = [[-0.1, 1.4], [1.3, 0.9], [-1.4, -1.1]]
    lecture: dict[str, Any] = {
        "weights": [[0.31, 3.95], [7.07, -0.23], [-6.27, -2.35]],
        "biases": [1.2, 2.93, -4.14],
        "points": np.transpose(points),
        "predictions": [[0.9, 0.1, 0.1], [0.1, 0.8, 0.2], [0, 0.1, 0.7]],
        "scores": [6.699, 1.901, -6.803],
        "sigmoids": [0.999, 0.870, 0.001],
        "probabilities": [0.992, 0.008, 0.000],
        "likelihoods": [0.9, 0.8, 0.7],
        "likelihood of all": [0.504],
    }
    for name, numbers in lecture.items():
        assert EXAMPLES[name].value == pytest.approx(np.array(numbers), abs=5e-4), name
    predicted = model.predict(model.logits(examples.THETA, examples.EXAMPLE_POINTS))
    assert predicted.tolist() == [0, 1, 2]  # its model is right


def test_all_derivatives_and_nothing_else_have_differences() -> None:
    differences = {name: e.differences for name, e in EXAMPLES.items() if e.differences is not None}
    assert list(differences) == list(EXAMPLES)[-6:]
    for name, slope in differences.items():
        assert slope.shape == EXAMPLES[name].value.shape
        np.testing.assert_allclose(slope, EXAMPLES[name].value, atol=1e-6, err_msg=name)
        assert (slope != EXAMPLES[name].value).any(), name


def test_values_and_derivatives_are_those_of_torch_and_its_autograd() -> None:
    """Up to 2^-24, the grid of residuals and losses."""
    theta = torch.tensor(examples.THETA, requires_grad=True)
    z = theta @ torch.tensor(examples.X / 255)
    a = torch.softmax(z, dim=0)
    by_a, by_z, by_theta = torch.autograd.grad(-a[examples.LABEL, 0].log(), (a, z, theta))
    expected = {
        "scores": z,
        "sigmoids": torch.sigmoid(z),
        "probabilities": a,
        "cross-entropy": -a[examples.LABEL].log(),
        "Jacobian": torch.func.jacrev(lambda z: torch.softmax(z, dim=0))(z[:, 0]),
        "gradient by a": by_a,
        "gradient by z, chain rule": by_z,
        "gradient by z": by_z,
        "gradient by W": by_theta[:, :-1],
        "gradient by b": by_theta[:, -1],
    }
    for name, tensor in expected.items():
        value = EXAMPLES[name].value
        assert value == pytest.approx(tensor.detach().numpy().reshape(value.shape), abs=1e-7), name


def test_the_table_tells_numbers_and_the_largest_difference() -> None:
    value, differences = np.array([[1.0, -0.25], [1e-9, 1 / 3]]), np.array([[1, -0.5], [0, 1 / 3]])
    chosen = [Example("name", "y = x", value, differences), Example("b", "b", np.array([1.2, 2]))]
    assert files.to_csv(examples.examples_table(chosen)).decode().splitlines()[1:] == [
        "name,y = x,1 -0.25; 1e-09 0.333333,0.25",
        "b,b,1.2 2,",
    ]
