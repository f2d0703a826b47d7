"""Implement docs/arithmetic.md a second time, from its text alone.

This module uses NumPy and no code of the project. Sums over pixels, classes and images are sums of
integers, so their order does not matter. A `grid` is an integer k, for the multiples of 2^-k.
"""

import json
import math
import struct
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # at run time, this module needs only NumPy, even where no wheels exist
    from softmax.pipeline.params import Train

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

WEIGHTS, RESIDUALS, EXPONENTIALS, LOSSES = 30, 24, 40, 24

LOG2_E = float.fromhex("0x1.71547652b82fep+0")
LN2_HIGH = float.fromhex("0x1.62e42feep-1")
LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
SQRT_HALF = float.fromhex("0x1.6a09e667f3bcdp-1")
HALF_PI = float.fromhex("0x1.921fb54442d18p+0")
EXP = [
    float.fromhex("0x1.555555555553ep-3"),
    float.fromhex("-0x1.6c16c16bebd93p-9"),
    float.fromhex("0x1.1566aaf25de2cp-14"),
    float.fromhex("-0x1.bbd41c5d26bf1p-20"),
    float.fromhex("0x1.6376972bea4d0p-25"),
]
LOG = [
    float.fromhex("0x1.5555555555593p-1"),
    float.fromhex("0x1.999999997fa04p-2"),
    float.fromhex("0x1.2492494229359p-2"),
    float.fromhex("0x1.c71c51d8e78afp-3"),
    float.fromhex("0x1.7466496cb03dep-3"),
    float.fromhex("0x1.39a09d078c69fp-3"),
    float.fromhex("0x1.2f112df3e5244p-3"),
]


def units(x: Floats, grid: int) -> Integers:
    """Return x as int64, in units of the grid, rounded to the nearest unit, ties to even."""
    return np.rint(np.ldexp(x, grid)).astype(np.int64)


def value(count: Integers, grid: int) -> Floats:
    """Return `count` units of the grid as float64, which is exact below 2^53 units."""
    return np.ldexp(count.astype(np.float64), -grid)


def snap(x: Floats, grid: int) -> Floats:
    """Return x rounded to the grid. Like (x + s) - s in docs/arithmetic.md, this is never -0."""
    return value(units(x, grid), grid)


def horner(x: Floats, coefficients: list[float]) -> Floats:
    """Return ((... c3 x + c2) x + c1) x for the coefficients c1, c2, c3, ..."""
    result = np.zeros_like(x)
    for coefficient in reversed(coefficients):
        result = (result + coefficient) * x
    return result


def exp(x: Floats) -> Floats:
    x = np.maximum(x, -708.0)
    k = np.rint(x * LOG2_E)
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    c = r - horner(r * r, EXP)
    return np.ldexp(((r * c) / (2 - c) + r) + 1, k.astype(np.int64))


def log(x: Floats) -> Floats:
    fraction, exponent = np.frexp(x)  # the fraction is in [1/2, 1)
    below = fraction < SQRT_HALF
    f = np.where(below, fraction * 2, fraction) - 1
    k = np.where(below, exponent - 1, exponent).astype(np.float64)
    s = f / (2 + f)
    h = f * f * 0.5
    return k * LN2_HIGH - ((h - (s * (h + horner(s * s, LOG)) + k * LN2_LOW)) - f)


def cos(x: float) -> float:
    term = total = 1.0
    for n in range(1, 12):
        term *= -(x * x) / ((2 * n - 1) * (2 * n))
        total += term
    return total


def words(count: int, seed: int, stream: int) -> NDArray[np.uint64]:
    return np.random.Philox(key=np.array([seed, stream], np.uint64)).random_raw(count)


def start(n: int, classes: int, seed: int) -> Floats:
    """Return theta before the first step, (classes, n + 1), with the bias as the last column."""
    top = (words(classes * (n + 1), seed, 0) >> np.uint64(11)).astype(np.float64)
    values = snap((np.ldexp(top, -52) - 1) * (1 / math.sqrt(n)), WEIGHTS)
    weights, biases = values[: classes * n], values[classes * n :]
    return np.hstack([weights.reshape(classes, n), biases.reshape(classes, 1)])


def with_bias(images: Bytes) -> Integers:
    """Return images with one more pixel of 255 for the bias: (images, n + 1)."""
    return np.pad(images.astype(np.int64), [(0, 0), (0, 1)], constant_values=255)


def logits(theta: Floats, p: Integers) -> Floats:
    """Return z, (images, classes)."""
    return value(p @ units(theta, WEIGHTS).T, WEIGHTS) * (1 / 255)


def exponentials(z: Floats) -> tuple[Floats, Floats]:
    """Return e, (images, classes), and its sum for each image, (images, 1)."""
    e = units(exp(z - z.max(axis=1, keepdims=True)), EXPONENTIALS)
    return value(e, EXPONENTIALS), value(e.sum(axis=1, keepdims=True), EXPONENTIALS)


def gradient(z: Floats, p: Integers, y: Integers) -> Floats:
    e, total = exponentials(z)
    r = units(e / total - np.eye(z.shape[1])[y], RESIDUALS)
    return value(r.T @ p, RESIDUALS) * (1 / (255 * len(y)))


def losses(z: Floats, y: Integers) -> Integers:
    """Return the cross-entropy of each image, (images,), in units of the loss grid."""
    _, total = exponentials(z)
    return units(log(total[:, 0]) + (z.max(axis=1) - z[np.arange(len(y)), y]), LOSSES)


def score(theta: Floats, images: Bytes, y: Integers) -> tuple[float, int]:
    """Return the mean loss and the number of correct predictions."""
    z = logits(theta, with_bias(images))
    mean = float(value(losses(z, y).sum(), LOSSES)) / len(y)
    return mean, int((z.argmax(axis=1) == y).sum())


def direction(g: Floats, state: SimpleNamespace, train: "Train") -> Floats:
    match train.optimizer:
        case "momentum":
            state.v = state.v * train.momentum + g
            return state.v
        case "nesterov":
            state.v = state.v * train.momentum + g
            return state.v * train.momentum + g
        case "adam":
            state.p1, state.p2 = state.p1 * 0.9, state.p2 * 0.999
            state.m = state.m * 0.9 + g * (1 - 0.9)
            state.v = state.v * 0.999 + g * g * (1 - 0.999)
            return state.m * (1 / (1 - state.p1)) / (np.sqrt(state.v * (1 / (1 - state.p2))) + 1e-8)
    return g


def rate(t: int, steps: int, train: "Train") -> float:
    if train.schedule == "constant":
        return train.learning_rate
    c = cos(HALF_PI * (t / steps))
    return train.learning_rate * (c * c)


def permutation(count: int, seed: int, stream: int) -> Integers:
    """Return the indices of images, sorted by random words whose last bits are the indices."""
    size = 1 << (count - 1).bit_length()
    keys = [int(w) // size * size + i for i, w in enumerate(words(count, seed, stream))]
    return np.array([key % size for key in sorted(keys)])


class Epoch(NamedTuple):
    """The parameters after an epoch, or their average, and the losses of the reported batches."""

    theta: Floats
    batch_losses: dict[int, float]


def fit(images: Bytes, y: Integers, classes: int, train: "Train") -> Iterator[Epoch]:
    """Train on all images except the last `validation`, and yield the result of each epoch."""
    count, size = len(images) - train.validation, train.batch_size
    starts = range(0, count, size)
    every = 100 if len(starts) >= 900 else max(len(starts) // 10, 1)
    theta = mean = start(images.shape[1], classes, train.seed)
    state = SimpleNamespace(m=np.zeros_like(theta), v=np.zeros_like(theta), p1=1.0, p2=1.0)
    t = 0
    for epoch in range(1, train.epochs + 1):
        order = permutation(count, train.seed, epoch)
        batch_losses = {}
        for number, first in enumerate(starts, start=1):
            batch = order[first : first + size]
            p = with_bias(images[batch])
            z = logits(theta, p)
            if number % every == 0:
                total = value(losses(z, y[batch]).sum(), LOSSES)
                batch_losses[number] = float(total) / len(batch)
            g = gradient(z, p, y[batch])
            if train.weight_decay != 0:
                g = theta * train.weight_decay + g
            step = direction(g, state, train) * rate(t, train.epochs * len(starts), train)
            theta = snap(theta - step, WEIGHTS)
            mean = (mean - theta) * train.averaging + theta
            t += 1
        yield Epoch(snap(mean, WEIGHTS) if train.averaging != 0 else theta, batch_losses)


def file(theta: Floats) -> bytes:
    """Return theta in the format safetensors: length of the padded header, header, values."""
    rows, columns = theta.shape
    middle, end = 8 * rows, 8 * rows * columns
    header = {
        "bias": {"dtype": "F64", "shape": [rows], "data_offsets": [0, middle]},
        "weight": {"dtype": "F64", "shape": [rows, columns - 1], "data_offsets": [middle, end]},
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    bias, weight = theta[:, -1].astype("<f8"), theta[:, :-1].astype("<f8")
    return struct.pack("<Q", len(text)) + text + bias.tobytes() + weight.tobytes()
