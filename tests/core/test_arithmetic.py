"""Rounding against fractions, exp and log against mpmath."""

import hashlib
import math
from collections.abc import Callable
from fractions import Fraction

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tiny import TORCH_DEVICES, on_torch

from softmax.core import arithmetic
from softmax.core.arithmetic import EXPONENTIAL_GRID, LOSS_GRID, RESIDUAL_GRID, WEIGHT_GRID
from softmax.core.arrays import Array, to_numpy
from softmax.training.randomness import uniform

Doubles = NDArray[np.float64]

GRIDS = st.sampled_from([WEIGHT_GRID, RESIDUAL_GRID, EXPONENTIAL_GRID, LOSS_GRID])
UNITS = st.floats(-(2**51), 2**51, exclude_min=True, exclude_max=True)
TIES = st.integers(1 - 2**51, 2**51 - 2).map(lambda n: n + 0.5)
LN2 = 0.6931471805599453
SMALLEST_NORMAL, LARGEST = 2.0**-1022, float.fromhex("0x1.fffffffffffffp+1023")


def with_neighbours(x: Doubles) -> Doubles:
    """x and the doubles just below and above."""
    return np.concatenate([x, np.nextafter(x, -np.inf), np.nextafter(x, np.inf)])


def exp_samples() -> Doubles:
    """The domain of exp, and both sides of where k changes in x = k ln 2 + r."""
    changes = with_neighbours(np.arange(-1020.5, 0) * LN2)
    powers = -np.ldexp(1.0, np.arange(-1022, 10))
    spread = uniform(4000, seed=0, stream=0) - 1
    return np.concatenate([[0, -0.0, -708], changes, powers, spread, spread * 354])


def log_samples() -> Doubles:
    """The domain of log, and both sides of where k changes in x = 2^k (1 + f), and of 1."""
    exponents = np.arange(-1021, 1025)
    changes = with_neighbours(np.ldexp(math.sqrt(0.5), exponents))
    near_one = 1 + np.arange(-100, 100) * 2.0**-53
    spread = uniform(len(exponents), seed=0, stream=0) / 4 + 0.75
    ends = [SMALLEST_NORMAL, LARGEST]
    return np.concatenate([ends, changes, near_one, spread, np.ldexp(spread, exponents)])


def consecutive(start: float) -> Doubles:
    """A thousand doubles in a row, from `start` > 0 upwards."""
    return (np.float64(start).view(np.int64) + np.arange(1000)).view(np.float64)


def worst_error(
    function: Callable[[Array], Array], reference: Callable[[float], mpmath.mpf], x: Doubles
) -> float:
    """The largest error of `function` on `x`, in units in the last place of its result."""
    with mpmath.workprec(160):
        return max(
            float(abs(reference(v) - value) / math.ulp(value))
            for v, value in zip(x.tolist(), function(x).tolist(), strict=True)
        )


@given(GRIDS, UNITS | TIES)
def test_snap_rounds_to_the_nearest_multiple_ties_to_even(grid: float, units: float) -> None:
    x = np.array([units * grid])
    expected = round(Fraction(x[0]) / Fraction(grid)) * Fraction(grid)

    assert Fraction(arithmetic.snap(x, grid)[0]) == expected


def test_snap_works_in_place() -> None:
    x = np.array([0.3])

    assert arithmetic.snap(x, 1.0) is x


def test_exp_and_log_are_within_an_ulp_on_the_samples() -> None:
    assert worst_error(arithmetic.exp, mpmath.exp, exp_samples()) < 1
    assert worst_error(arithmetic.log, mpmath.log, log_samples()) < 1


@settings(max_examples=1000)
@given(st.floats(-708, 0))
def test_exp_is_within_two_ulps_everywhere(x: float) -> None:
    assert worst_error(arithmetic.exp, mpmath.exp, np.array([x])) < 2


@settings(max_examples=1000)
@given(st.floats(SMALLEST_NORMAL, LARGEST))
def test_log_is_within_two_ulps_everywhere(x: float) -> None:
    assert worst_error(arithmetic.log, mpmath.log, np.array([x])) < 2


def test_exp_and_log_have_the_same_bits_on_every_machine() -> None:
    """They are part of the specification: another polynomial, however good, is another result."""
    bits = [arithmetic.exp(exp_samples()).tobytes(), arithmetic.log(log_samples()).tobytes()]

    assert [hashlib.sha256(values).hexdigest()[:16] for values in bits] == [
        "afed6f4f84990ebd",
        "5c4455a1e45a3b40",
    ]


def test_exp_and_log_are_exact_where_they_can_be() -> None:
    assert arithmetic.exp(np.array([0.0, -0.0])).tolist() == [1, 1]
    assert arithmetic.log(np.array([1.0])).tolist() == [0]


def test_exp_stays_put_below_its_domain() -> None:
    lowest, *below = arithmetic.exp(np.array([-708, -708.5, -1e300, -np.inf]))

    assert below == [lowest] * 3


def test_exp_and_log_never_fall_on_the_samples() -> None:
    assert (np.diff(arithmetic.exp(np.sort(exp_samples()))) >= 0).all()
    assert (np.diff(arithmetic.log(np.sort(log_samples()))) >= 0).all()


@given(st.floats(SMALLEST_NORMAL, 707))
def test_exp_never_falls_from_one_double_to_the_next(start: float) -> None:
    assert (np.diff(arithmetic.exp(-consecutive(start))) <= 0).all()


@given(st.floats(SMALLEST_NORMAL, 2.0**1023))
def test_log_never_falls_from_one_double_to_the_next(start: float) -> None:
    assert (np.diff(arithmetic.log(consecutive(start))) >= 0).all()


@pytest.mark.parametrize("device", TORCH_DEVICES)
@pytest.mark.parametrize(
    ("function", "x"),
    [
        (arithmetic.exp, exp_samples()),
        (arithmetic.log, log_samples()),
        (lambda x: arithmetic.snap(x, EXPONENTIAL_GRID), exp_samples()),
    ],
    ids=["exp", "log", "snap"],
)
def test_torch_gives_the_same_bytes(
    function: Callable[[Array], Array], x: Doubles, device: str
) -> None:
    on_gpu = function(on_torch(x, device))

    assert to_numpy(on_gpu).tobytes() == function(x.copy()).tobytes()
