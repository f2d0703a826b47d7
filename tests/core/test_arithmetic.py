"""Compare rounding with exact fractions, and exp and log with mpmath."""

import hashlib
import math
from collections.abc import Callable
from fractions import Fraction

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest
from helpers.samples import GRIDS, LARGEST, SMALLEST_NORMAL, TIES, UNITS, exp_samples, log_samples
from helpers.tiny import TORCH_DEVICES, on_torch
from hypothesis import given
from hypothesis import strategies as st

from softmax.core import arithmetic
from softmax.core.arithmetic import EXPONENTIAL_GRID
from softmax.core.arrays import Array, FloatArray, to_numpy


def consecutive(start: float) -> FloatArray:
    """Return a thousand consecutive doubles, ascending from `start` > 0: float64 (1000,)."""
    return (np.float64(start).view(np.int64) + np.arange(1000)).view(np.float64)


def worst_error(
    function: Callable[[Array], Array], reference: Callable[[float], mpmath.mpf], x: FloatArray
) -> float:
    """Return the maximum error of `function` on `x`, in units in the last place."""
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


def test_exp_and_log_are_within_an_ulp_on_the_samples() -> None:
    assert worst_error(arithmetic.exp, mpmath.exp, exp_samples()) < 1
    assert worst_error(arithmetic.log, mpmath.log, log_samples()) < 1


@given(st.floats(-708, 0), st.floats(SMALLEST_NORMAL, LARGEST))
def test_exp_and_log_are_within_two_ulps_everywhere(x: float, y: float) -> None:
    assert worst_error(arithmetic.exp, mpmath.exp, np.array([x])) < 2
    assert worst_error(arithmetic.log, mpmath.log, np.array([y])) < 2


def test_exp_and_log_have_the_same_bits_on_every_machine() -> None:
    """Fail if the polynomials change, because even a better approximation changes results."""
    bits = [arithmetic.exp(exp_samples()).tobytes(), arithmetic.log(log_samples()).tobytes()]

    assert [hashlib.sha256(values).hexdigest()[:16] for values in bits] == [
        "afed6f4f84990ebd",
        "5c4455a1e45a3b40",
    ]


def test_exp_is_constant_below_its_domain() -> None:
    lowest, *below = arithmetic.exp(np.array([-708, -708.5, -1e300, -np.inf]))

    assert below == [lowest] * 3


def test_exp_and_log_are_monotonic_on_the_samples() -> None:
    assert (np.diff(arithmetic.exp(np.sort(exp_samples()))) >= 0).all()
    assert (np.diff(arithmetic.log(np.sort(log_samples()))) >= 0).all()


@given(st.floats(SMALLEST_NORMAL, 707), st.floats(SMALLEST_NORMAL, 2.0**1023))
def test_exp_and_log_are_monotonic_on_consecutive_doubles(x: float, y: float) -> None:
    assert (np.diff(arithmetic.exp(-consecutive(x))) <= 0).all()
    assert (np.diff(arithmetic.log(consecutive(y))) >= 0).all()


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
    function: Callable[[Array], Array], x: FloatArray, device: str
) -> None:
    on_gpu = function(on_torch(x, device))

    assert to_numpy(on_gpu).tobytes() == function(x.copy()).tobytes()
