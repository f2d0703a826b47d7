"""The lecture's examples against its numbers and torch, and the lesson against plain NumPy."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.report import LESSON
from scipy import special

from softmax.core import model
from softmax.core.arrays import FloatArray
from softmax.core.batches import Dataset
from softmax.pipeline import files
from softmax.pipeline.params import Lesson
from softmax.report import examples
from softmax.report.examples import Example
from softmax.training import randomness

EXAMPLES = {example.name: example for example in examples.examples()}
torch.set_num_threads(1)  # on a busy machine threads wait for each other longer than they work


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


def columns(data: Dataset) -> FloatArray:
    """[x 1] of each point, as columns, and not 255 times."""
    return np.column_stack([data.images / 255, np.ones(len(data.images))]).T


def test_points_are_those_of_the_text() -> None:
    """docs/arithmetic.md, "The lesson"."""
    changes = {"seed": 2**64 - 1, "points": 7, "spread": 0.19}
    data = examples.points(LESSON.model_copy(update=changes))
    words = np.random.Philox(key=np.full(2, 2**64 - 1, np.uint64)).random_raw(18 * 7)
    noise = (np.ldexp(words >> 11, -52) - 1).reshape(3, -1, 2).sum(axis=0)
    centres = np.repeat([(0, 102), (87, -51), (-87, -51)], 7, axis=0)
    assert (data.images == np.rint(centres + noise * (0.19 * 255))).all()
    assert data.labels.tolist() == [0] * 7 + [1] * 7 + [2] * 7


def test_the_farthest_points_are_inside_the_square(monkeypatch: pytest.MonkeyPatch) -> None:
    extreme = LESSON.model_copy(update={"spread": 0.2})
    for noise, farthest in ((1.0, 255), (-1.0, 240)):
        monkeypatch.setattr(randomness, "uniform", lambda count, *_, u=noise: np.full(count, u))
        assert abs(examples.points(extreme).images).max() == farthest


def test_the_lattice_fills_the_square_from_the_top_left() -> None:
    places = examples.lattice().images
    assert places[[0, 1, 256, -1]].tolist() == [[-255, 255], [-253, 255], [-255, 253], [255, -255]]
    assert len(np.unique(places, axis=0)) == 256 * 256


def test_follows_gradient_descent_in_plain_numpy() -> None:
    chosen = LESSON.model_copy(update={"seed": 3})
    data = examples.points(chosen)
    x, y = columns(data), np.eye(3)[data.labels].T
    theta = randomness.initial_weights(2, seed=3, classes=3)
    losses = []
    for _ in range(40):
        theta = theta - 2.0 * (special.softmax(theta @ x, axis=0) - y) @ x.T / 150
        a = special.softmax(theta @ x, axis=0)
        losses.append(-np.log(a[data.labels, range(150)]).mean())

    epochs = examples.fit(data, chosen)
    assert [epoch.batches for epoch in epochs] == [1] * 40
    np.testing.assert_allclose([epoch.training.loss for epoch in epochs], losses, atol=1e-6)
    np.testing.assert_allclose(epochs[-1].theta, theta, atol=1e-6)
    assert epochs[-1].training.correct == (a.argmax(axis=0) == data.labels).sum()


def test_logistic_regressions_follow_the_sigmoid_in_plain_numpy() -> None:
    """One row of weights, the lecture's rate, and for the start what two classes start with."""
    data = examples.points(LESSON)
    x, pairs = columns(data), examples.fit_logistic(data, LESSON)
    expected = []
    for k in range(3):
        start = randomness.initial_weights(2, seed=0, classes=2)
        theta = start[1] - start[0]
        for _ in range(40):
            theta = theta - 2.0 * (special.expit(theta @ x) - (data.labels == k)) @ x.T / 150
        np.testing.assert_allclose(pairs[k][1] - pairs[k][0], theta, atol=1e-6)
        expected.append(special.expit(theta @ x))

    np.testing.assert_allclose(examples.logistic(pairs, data), expected, atol=1e-6)


def test_no_params_leave_the_range_of_exact_sums() -> None:
    """The longest and fastest training that they allow, as a bound and as a run."""
    most = 3 * (1 / math.sqrt(2) + 1000 * 10)
    assert most < model.MAX_ROW_SUM
    assert 3000 * (2 * most + math.log(3)) < 2**29

    changes = {"points": 1, "spread": 0.2, "epochs": 1000, "learning_rate": 10.0}
    extreme = Lesson.model_validate(LESSON.model_dump() | changes)
    *_, last = examples.fit(examples.points(extreme), extreme)
    assert abs(last.theta).sum(axis=1).max() < most


def test_softmax_adds_up_to_one_and_logistic_regressions_do_not() -> None:
    """None of them claims the middle, and between two clouds both do."""
    data, lattice = examples.points(LESSON), examples.lattice()
    theta, pairs = examples.fit(data, LESSON)[-1].theta, examples.fit_logistic(data, LESSON)
    assert abs(examples.totals(examples.probabilities(theta, lattice)) - 1).max() < 1e-15
    sums = examples.totals(examples.logistic(pairs, lattice)).reshape(256, 256)
    assert sums[128, 128] < 0.85
    assert min(sums[50, 0], sums[50, 255], sums[255, 128]) > 1.5
    table = pd.DataFrame(examples.points_table(data, theta, pairs))
    assert table[["x1", "x2"]].to_numpy().tolist() == data.images.tolist()
    assert (table["label"] == data.labels).all()
    softmax = torch.softmax(torch.tensor(theta @ columns(data)), 0)
    np.testing.assert_allclose(table[["p0", "p1", "p2"]].T, softmax, atol=1e-9)
    assert (table["prediction"] == softmax.numpy().argmax(axis=0)).all()
    logistic = examples.logistic(pairs, data)
    np.testing.assert_allclose(table[["q0", "q1", "q2"]].T, logistic, atol=1e-9)
    np.testing.assert_allclose(table["q_sum"], logistic.sum(axis=0), atol=1e-9)
