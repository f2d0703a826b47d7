"""Compute softmax regression as in the lecture: z = W x + b, a = softmax(z), gradient (a - y) x^T.

A batch is a float64 matrix, (features + 1, n), with a column for each image. It contains pixels,
the integers 255 x. Its last row is 255, so the bias is a weight, too, and theta = [W b], (classes,
features + 1), contains all parameters. z and the gradient are one product each. y is one-hot.

Many models may share the images. Then their thetas are stacked, (..., classes, features + 1), and
so are all results. No sum rounds, so each model is the same as if it were trained alone.
"""

import math
from pathlib import Path

import numpy as np
import safetensors.numpy

from softmax.core import arithmetic
from softmax.core.arithmetic import MAX_PIXEL, MAX_UNITS
from softmax.core.arrays import Array, namespace, to_numpy
from softmax.errors import DeviceError, FormatError, RangeError

MAX_ROW_SUM = arithmetic.MAX_UNITS * arithmetic.WEIGHT_GRID / MAX_PIXEL


def logits(theta: Array, inputs: Array) -> Array:
    """Return z = W x + b: float64 (..., classes, n)."""
    z = _product(theta, inputs)
    z *= 1 / MAX_PIXEL
    return z


def softmax(z: Array) -> Array:
    """Return a = e^(z - max z), divided by its sum over each column: float64 (..., classes, n)."""
    exponentials, _ = _exponentials(z)
    exponentials /= exponentials.sum(axis=-2)[..., None, :]
    return exponentials


def predict(z: Array) -> Array:
    """Return the class with the largest logit in each column, the first on ties: int64 (..., n)."""
    xp, count = namespace(z), z.shape[-2]
    classes = xp.arange(count, device=z.device)[:, None]
    largest = xp.max(z, axis=-2)[..., None, :]
    return xp.min(xp.where(z == largest, classes, count), axis=-2)


def cross_entropy(z: Array, y: Array) -> Array:
    """Return -sum_j y_j log a_j for each column, on the loss grid: float64 (..., n)."""
    exponentials, largest = _exponentials(z)
    loss = arithmetic.log(exponentials.sum(axis=-2)) + (largest - (z * y).sum(axis=-2))
    return arithmetic.snap(loss, arithmetic.LOSS_GRID)


def residuals(a: Array, y: Array) -> Array:
    """Return a - y, on the residual grid: float64 (..., classes, n)."""
    return arithmetic.snap(a - y, arithmetic.RESIDUAL_GRID)


def gradient_sum(residuals: Array, inputs: Array) -> Array:
    """Return the sum of 255 (a - y) x^T over a batch: float64 (..., classes, features + 1)."""
    return _product(residuals, inputs.T)


def mean_gradient(total: Array, count: int) -> Array:
    """Turn the `gradient_sum` over `count` images into the mean of (a - y) x^T, in place."""
    total *= 1 / (MAX_PIXEL * count)
    return total


def check_range(magnitudes: Array) -> None:
    """Raise RangeError unless logits are exact for every theta with at most these absolute values.

    They are exact if 255 times each row sum is below 2^53 units of the weight grid.
    """
    row_sum = float(magnitudes.sum(axis=1).max())
    if not row_sum < MAX_ROW_SUM:
        raise RangeError(
            f"the weights of a class reached a sum of {row_sum:g}, but sums are exact only below "
            f"{MAX_ROW_SUM:g}"
        )


def check_products(like: Array) -> None:
    """Raise DeviceError unless matrix products on the device of `like`, a theta, are exact.

    A library that emulates float64 with shorter numbers may drop bits. So compare sums of up to
    2^53 - 1 units with integer sums: of equal weights, and of weights with one large number.
    """
    classes, features = like.shape
    inputs = MAX_PIXEL - np.arange(features * 64).reshape(features, 64) % MAX_PIXEL
    spread = np.full(features, (MAX_UNITS - 1) // (MAX_PIXEL * features))
    lone = np.ones_like(spread)
    lone[0] = (MAX_UNITS - 1) // MAX_PIXEL - features
    units = np.stack([spread, lone])
    expected = (units @ inputs) * arithmetic.WEIGHT_GRID * (1 / MAX_PIXEL)
    rows = np.arange(classes) % 2
    xp, here = namespace(like), {"device": like.device}
    theta = xp.asarray(units[rows] * arithmetic.WEIGHT_GRID, **here)
    z = logits(theta, xp.asarray(inputs.astype(np.float64), **here))
    if (to_numpy(z) != expected[rows]).any():
        raise DeviceError(
            "matrix products are not exact on this device. If a library emulates float64, turn the "
            "emulation off. Otherwise choose a different device or BLAS."
        )


def to_bytes(theta: np.ndarray) -> bytes:
    """Return theta as safetensors: weight (classes, features) and bias (classes,), float64."""
    return safetensors.numpy.save({"weight": theta[:, :-1].copy(), "bias": theta[:, -1].copy()})


def load(path: Path, shape: tuple[int, int] | None = None) -> np.ndarray:
    """Read the theta that `to_bytes` wrote. `shape`, if given, is (classes, features).

    Raise FormatError unless the file contains a float64 weight and bias of matching shapes on the
    weight grid, and RangeError if they are too large for exact sums.
    """
    try:
        tensors = safetensors.numpy.load_file(path)
        weight, bias = tensors["weight"], tensors["bias"]
    except FileNotFoundError:
        raise FormatError(f"{path}: not found") from None
    except OSError:
        raise
    except Exception as error:  # safetensors and NumPy raise many kinds
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FormatError(f"{path}: not the weights of a softmax model: {reason}") from None
    expected = shape or (*bias.shape, *weight.shape[1:])
    if (weight.shape, bias.shape) != (expected, expected[:1]) or len(expected) != 2:
        found = f"weight is {weight.shape} and bias {bias.shape}"
        wanted = shape or "(classes, features)"
        raise FormatError(f"{path}: {found}; they should be {wanted} and {expected[:1]}")
    if {weight.dtype, bias.dtype} != {np.dtype(np.float64)}:
        raise FormatError(f"{path}: weight is {weight.dtype} and bias {bias.dtype}, not float64")
    theta = np.column_stack([weight, bias])
    check_range(abs(theta))
    if (theta != arithmetic.snap(theta.copy(), arithmetic.WEIGHT_GRID)).any():
        raise FormatError(f"{path}: the weights are not multiples of 2^-30")
    return theta


def _product(rows: Array, columns: Array) -> Array:
    """Return rows @ columns, computed for all models in one product."""
    *stack, length = rows.shape
    flat = rows.reshape(math.prod(stack), length)  # -1 would be ambiguous for an empty share
    return (flat @ columns).reshape(*stack, columns.shape[-1])


def _exponentials(z: Array) -> tuple[Array, Array]:
    """Return e^(z - max z) on its grid, float64 (..., classes, n), and max z, (..., n)."""
    largest = namespace(z).max(z, axis=-2)
    x = z - largest[..., None, :]
    return arithmetic.snap(arithmetic.exp(x), arithmetic.EXPONENTIAL_GRID), largest
