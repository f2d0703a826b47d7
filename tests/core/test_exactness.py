"""Check the bounds in the table of docs/arithmetic.md, row by row, with Python's integers.

Up to and including a bound, sums equal integer sums in every order. One unit beyond the bound, the
code raises an error.
"""

import numpy as np
import pytest
from helpers.samples import LARGEST_ROW, LOGITS, PIXELS, SEEDS, parts, thetas_and_pixels
from helpers.tiny import TORCH_DEVICES, on_torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from softmax.core import arithmetic, model
from softmax.core.arithmetic import (
    EXPONENTIAL_GRID,
    LOSS_GRID,
    MAX_BATCH,
    MAX_PIXEL,
    MAX_UNITS,
    RESIDUAL_GRID,
    WEIGHT_GRID,
)
from softmax.core.arrays import Array, FloatArray, to_numpy
from softmax.errors import DeviceError, RangeError

Integers = NDArray[np.int64]

ONE = round(1 / RESIDUAL_GRID)  # units in a residual of 1

DEVICES = pytest.mark.parametrize("device", ["numpy", *TORCH_DEVICES])
RESIDUALS = st.sampled_from([ONE, ONE - 1, 1, -1, 1 - ONE, -ONE]) | st.integers(-ONE, ONE)


@st.composite
def batches(draw: st.DrawFn) -> tuple[Integers, Integers, Integers]:
    """Draw residuals in units and pixels of up to nine kinds of images, and their counts."""
    kinds = draw(st.integers(1, 9))
    count = draw(st.sampled_from([64, MAX_BATCH]) | st.integers(1, 1000))
    residuals = draw(arrays(np.int64, (2, kinds), elements=RESIDUALS))
    pixels = draw(arrays(np.int64, (2, kinds), elements=PIXELS))
    return residuals, pixels, draw(parts((1, kinds), count))[0]


@st.composite
def near(draw: st.DrawFn, bound: int, shape: tuple[int, int]) -> Integers:
    """Draw rows of nonnegative integers whose sums are near `bound` or up to twice as large."""
    totals = st.integers(bound - 2, bound + 2) | st.integers(0, 2 * bound)
    return np.vstack([draw(parts((1, shape[1]), draw(totals))) for _ in range(shape[0])])


def on(device: str, array: Integers | FloatArray, grid: float = 1) -> Array:
    """Return `array` times `grid` in float64, in NumPy or in torch on `device`."""
    values = array.astype(np.float64) * grid
    return values if device == "numpy" else on_torch(values, device)


def whole_product(left: Integers, right: Integers) -> FloatArray:
    """Compute a matrix product in Python's integers, and assert that it fits into 53 bits."""
    product = left.astype(object) @ right.astype(object)
    assert abs(product).max() < 2**53
    return product.astype(np.float64)


def orders(count: int, seed: int) -> list[Integers]:
    """Return the original order and a shuffled order of `count` terms."""
    return [np.arange(count), np.random.default_rng(seed).permutation(count)]


@DEVICES
@settings(max_examples=50)
@given(thetas_and_pixels(), SEEDS)
@example(  # the maximum rows of MNIST's size, with white pixels and with one pixel below white
    (
        np.array([[LARGEST_ROW - 784] + [1] * 784, [-1] * 784 + [784 - LARGEST_ROW]]),
        np.array([[MAX_PIXEL, MAX_PIXEL - 1]] + [[MAX_PIXEL, MAX_PIXEL]] * 784),
    ),
    0,
)
@example(  # the maximum rows for the largest images, 128 x 128 in RGB
    (
        np.array([[LARGEST_ROW // 49_153] * 49_153, [-1] * 49_152 + [49_152 - LARGEST_ROW]]),
        np.array([[MAX_PIXEL, 1 - MAX_PIXEL]] * 49_153),
    ),
    0,
)
def test_logits_equal_integer_sums(
    device: str, drawn: tuple[Integers, Integers], seed: int
) -> None:
    theta, pixels = drawn
    expected = whole_product(theta, pixels) * WEIGHT_GRID * (1 / MAX_PIXEL)

    model.check_range(abs(theta) * WEIGHT_GRID)
    for order in orders(len(pixels), seed):
        z = model.logits(on(device, theta[:, order], WEIGHT_GRID), on(device, pixels[order]))
        np.testing.assert_array_equal(to_numpy(z), expected)


@DEVICES
@settings(max_examples=10)
@given(batches(), SEEDS)
@example(  # maximum residuals and pixels in a maximum batch, and a last image with odd units
    (
        np.array([[ONE, 1], [-ONE, 1 - ONE]]),
        np.array([[MAX_PIXEL, 1], [MAX_PIXEL - 1, MAX_PIXEL]]),
        np.array([MAX_BATCH - 1, 1]),
    ),
    0,
)
def test_gradients_equal_integer_sums(
    device: str, drawn: tuple[Integers, Integers, Integers], seed: int
) -> None:
    residuals, pixels, copies = drawn
    expected = whole_product(residuals * copies, pixels.T) * RESIDUAL_GRID
    images = np.repeat(np.arange(len(copies)), copies)
    r, x = on(device, residuals, RESIDUAL_GRID), on(device, pixels)

    for order in (images, np.random.default_rng(seed).permutation(images)):
        total = model.gradient_sum(r[:, order], x[:, order])
        np.testing.assert_array_equal(to_numpy(total), expected)


@DEVICES
@given(LOGITS, SEEDS)
@example(np.zeros((1000, 1)), 0)  # the maximum number of classes, all equally likely
@example(np.linspace([-20.0, 1.0], [0.0, 0.0], 1000), 0)
def test_softmax_divides_by_exact_integer_sums(device: str, z: FloatArray, seed: int) -> None:
    exponentials = arithmetic.snap(arithmetic.exp(z - z.max(axis=0)), EXPONENTIAL_GRID)
    units = [[int(e) for e in row] for row in (exponentials / EXPONENTIAL_GRID).T.tolist()]
    sums = [sum(row) for row in units]
    assert max(sums) < 2**53
    expected = exponentials / (np.array(sums) * EXPONENTIAL_GRID)

    for order in orders(len(z), seed):
        np.testing.assert_array_equal(
            to_numpy(model.softmax(on(device, z[order]))), expected[order]
        )


@given(LOGITS, SEEDS)
@example(np.linspace([-20.0, 1.0], [0.0, 0.0], 1000), 0)
def test_bounds_hold_by_construction(z: FloatArray, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(len(z), size=z.shape[1])
    y = np.eye(len(z))[labels].T
    exponentials = arithmetic.snap(arithmetic.exp(z - z.max(axis=0)), EXPONENTIAL_GRID)
    residuals = model.residuals(model.softmax(z), y)
    losses = model.cross_entropy(z, y)

    assert ((exponentials >= 0) & (exponentials <= 1)).all()
    assert (abs(residuals) <= 1).all()
    assert (losses >= 0).all()
    assert (exponentials / EXPONENTIAL_GRID % 1 == 0).all()
    assert (residuals / RESIDUAL_GRID % 1 == 0).all()
    assert (losses / LOSS_GRID % 1 == 0).all()


@DEVICES
@given(st.integers(1, 1000).flatmap(lambda count: near(MAX_UNITS, (1, count))), SEEDS)
def test_exact_sums_equal_integer_sums_or_raise(device: str, drawn: Integers, seed: int) -> None:
    units = drawn[0]
    total = sum(units.tolist())

    for order in orders(len(units), seed):
        x = on(device, units[order], LOSS_GRID)
        if total < 2**53:
            assert arithmetic.exact_sum(x, LOSS_GRID) == total * LOSS_GRID
        else:
            with pytest.raises(RangeError, match="a sum reached"):
                arithmetic.exact_sum(x, LOSS_GRID)


def test_exact_sums_raise_on_nan() -> None:
    with pytest.raises(RangeError, match="a sum reached nan"):
        arithmetic.exact_sum(np.array([1.0, np.nan]), LOSS_GRID)


@DEVICES
@given(
    st.tuples(st.integers(1, 3), st.integers(1, 50)).flatmap(lambda s: near(LARGEST_ROW, s)), SEEDS
)
def test_check_range_accepts_only_rows_with_exact_logits(
    device: str, magnitudes: Integers, seed: int
) -> None:
    largest = max(sum(row) for row in magnitudes.tolist())

    for order in orders(magnitudes.shape[1], seed):
        x = on(device, magnitudes[:, order], WEIGHT_GRID)
        if largest <= LARGEST_ROW:
            model.check_range(x)
        else:
            with pytest.raises(RangeError, match=r"the weights of a class .* 32896\.5$"):
                model.check_range(x)


def test_sums_round_one_unit_above_the_bound() -> None:
    """Show that the bounds of logits and losses cannot be wider.

    A sum of 2^53 is rejected because it may be 2^53 + 1 after rounding.
    """
    for terms in ([MAX_PIXEL * LARGEST_ROW, MAX_PIXEL], [MAX_UNITS, 1]):
        assert int(np.sum(terms, dtype=np.float64)) != sum(terms)


def test_twice_the_maximum_batch_exceeds_the_bound() -> None:
    assert MAX_BATCH * MAX_PIXEL * ONE < MAX_UNITS < 2 * MAX_BATCH * MAX_PIXEL * ONE


@DEVICES
@pytest.mark.parametrize("shape", [(10, 785), (3, 3), (2, 2), (1000, 10), (3, 49_153)])
def test_matrix_products_at_the_bound_are_exact(device: str, shape: tuple[int, int]) -> None:
    theta = np.zeros(shape)
    model.check_products(theta if device == "numpy" else on_torch(theta, device))


@pytest.mark.parametrize("bits", [52, 45, 32])
def test_products_with_too_few_bits_are_rejected(
    bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Emulate a library that computes float64 products from slices of shorter numbers."""

    def emulated(theta: Array, inputs: Array) -> Array:
        unit = np.ldexp(1.0, int(np.frexp(abs(theta @ inputs).max())[1]) - bits)
        return np.floor(theta @ inputs / unit) * unit / MAX_PIXEL

    monkeypatch.setattr(model, "logits", emulated)
    with pytest.raises(DeviceError, match="matrix products are not exact on this device"):
        model.check_products(np.zeros((10, 785)))
