"""The lecture's examples against its own numbers, torch and finite differences."""

import numpy as np
import pytest

from softmax.core import model
from softmax.errors import SoftmaxError
from softmax.lesson import examples
from softmax.lesson.examples import Example
from softmax.pipeline import files

EXAMPLES = {example.name: example for example in examples.examples()}


def test_what_is_given_and_what_follows_are_the_lectures() -> None:
    points = [[-0.1, 1.4], [1.3, 0.9], [-1.4, -1.1]]
    lecture = {
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
    predicted = model.predict(model.logits(examples.THETA, examples.POINTS))
    assert predicted.tolist() == [0, 1, 2]  # its model is right


def test_all_derivatives_and_nothing_else_have_differences() -> None:
    differences = {name: e.differences for name, e in EXAMPLES.items() if e.differences is not None}
    assert list(differences) == list(EXAMPLES)[-6:]
    for name, slope in differences.items():
        assert slope.shape == EXAMPLES[name].value.shape
        np.testing.assert_allclose(slope, EXAMPLES[name].value, atol=1e-6, err_msg=name)
        assert (slope != EXAMPLES[name].value).any(), name


@pytest.mark.parametrize("error", [2e-7, np.nan])
def test_a_digit_that_differs_from_torch_and_autograd_is_told(error: float) -> None:
    assert 0 < examples.distance_to_torch(list(EXAMPLES.values())) < examples.BOUND
    for name, example in EXAMPLES.items():
        wrong = example.value.copy()
        wrong.flat[-1] += error
        with pytest.raises(SoftmaxError, match=f"{name}: .* away from torch.*; install"):
            examples.distance_to_torch([Example(name, "", wrong)])


def test_the_table_tells_numbers_and_the_largest_difference() -> None:
    value, differences = np.array([[1.0, -0.25], [1e-9, 1 / 3]]), np.array([[1, -0.5], [0, 1 / 3]])
    chosen = [Example("name", "y = x", value, differences), Example("b", "b", np.array([1.2, 2]))]
    assert files.to_csv(examples.table(chosen)).decode().splitlines()[1:] == [
        "name,y = x,1 -0.25; 1e-09 0.333333,0.25,1e-07",
        "b,b,1.2 2,,1e-07",
    ]
