"""Compare the model with torch in float64."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch
from helpers.samples import LOGITS
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch.nn import functional

from softmax.core import arithmetic, model
from softmax.core.arithmetic import EXPONENTIAL_GRID, LOSS_GRID, WEIGHT_GRID
from softmax.errors import DataError, RangeError

Matrix = NDArray[np.float64]


class Problem(NamedTuple):
    """Contain theta on its grid, (10, n + 1); 255 x, (n + 1, count); and one-hot y, (10, count)."""

    theta: Matrix
    x: Matrix
    y: Matrix


def problem(seed: int, features: int, count: int) -> Problem:
    """Return a random problem with `features` pixels and `count` images."""
    random = np.random.default_rng(seed)
    theta = random.uniform(-4, 4, (10, features + 1))
    x = random.integers(256, size=(features + 1, count)).astype(np.float64)
    x[-1] = 255
    labels = random.integers(10, size=count)
    return Problem(arithmetic.snap(theta, WEIGHT_GRID), x, np.eye(10)[labels].T)


PROBLEMS = st.builds(problem, st.integers(0, 99), st.integers(1, 9), st.integers(1, 9))


@given(LOGITS)
def test_softmax_agrees_with_torch(z: Matrix) -> None:
    """Allow half a grid step for each exponential, relative to a sum of at least 1."""
    expected = torch.softmax(torch.tensor(z), dim=0)

    np.testing.assert_allclose(
        model.softmax(z), expected, rtol=0, atol=1e-14 + len(z) * EXPONENTIAL_GRID / 2
    )


@given(PROBLEMS)
def test_cross_entropy_agrees_with_torch(batch: Problem) -> None:
    z = model.logits(batch.theta, batch.x)
    expected = functional.cross_entropy(
        torch.tensor(z.T), torch.tensor(batch.y.T), reduction="none"
    )

    np.testing.assert_allclose(
        model.cross_entropy(z, batch.y), expected, rtol=0, atol=0.51 * LOSS_GRID
    )


@pytest.mark.parametrize("library", [np.asarray, torch.tensor])
def test_predict_returns_the_first_class_with_the_largest_score(library: type) -> None:
    z = library([[1.0, 0.0, -3.0, 2.0], [5.0, 7.0, -3.0, 1.0], [3.0, 7.0, -3.0, 2.0]])

    assert model.predict(z).tolist() == [1, 1, 0, 0]


def test_check_range_rejects_nan() -> None:
    with pytest.raises(RangeError, match="nan"):
        model.check_range(np.array([[1.0, 2.0], [np.nan, 0.0]]))


def test_saved_weights_load_unchanged(tmp_path: Path) -> None:
    theta = problem(seed=0, features=6, count=1).theta
    path = tmp_path / "softmax.safetensors"
    path.write_bytes(model.to_bytes(theta))
    tensors = safetensors.numpy.load_file(path)

    assert model.load(path, SHAPE).tobytes() == theta.tobytes()
    assert tensors.keys() == {"weight", "bias"}
    assert tensors["weight"].tolist() == theta[:, :-1].tolist()
    assert tensors["bias"].tolist() == theta[:, -1].tolist()


SHAPE = (10, 6)
WEIGHT, BIAS = np.ones(SHAPE), np.ones(10)
EIGHT_BITS = safetensors.torch.save(
    {"weight": torch.ones(SHAPE).to(torch.float8_e4m3fn), "bias": torch.ones(10)}
)
UNKNOWN = "not the weights|should be float64"  # the latter if a library registered float8 in NumPy


def saved(**tensors: NDArray[Any]) -> bytes:
    """Return the bytes of a safetensors file."""
    return safetensors.numpy.save(tensors)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param(b"garbage" * 9, "not the weights", id="garbage"),
        pytest.param(saved(weight=WEIGHT), "not the weights", id="no bias"),
        pytest.param(saved(weight=WEIGHT, bias=BIAS[1:]), r"bias \(9,\); they", id="bias of 9"),
        pytest.param(saved(weight=WEIGHT / 3, bias=BIAS), "not multiples", id="off grid"),
        pytest.param(
            saved(weight=WEIGHT.astype(np.float32), bias=BIAS), "float32 and", id="float32 weight"
        ),
        pytest.param(EIGHT_BITS, UNKNOWN, id="8 bits"),
        pytest.param(saved(weight=WEIGHT.astype(np.int8), bias=BIAS), "int8", id="int8"),
        pytest.param(saved(weight=WEIGHT[:, 1:], bias=BIAS), r"\(10, 5\)", id="a feature less"),
        pytest.param(saved(weight=BIAS, bias=BIAS), r"weight is \(10,\)", id="weight a vector"),
    ],
)
def test_load_rejects_invalid_weights(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "softmax.safetensors"
    path.write_bytes(content)

    with pytest.raises(DataError, match=complaint) as error:
        model.load(path, SHAPE)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_load_rejects_weights_too_large_for_exact_sums(tmp_path: Path) -> None:
    path = tmp_path / "softmax.safetensors"
    path.write_bytes(saved(weight=WEIGHT * 2**20, bias=BIAS))

    with pytest.raises(RangeError, match="exact only below"):
        model.load(path, SHAPE)
