"""Run the lecture's training loop, compiled for the CPU, for many models at once.

The loop computes logits, softmax and residuals for each image of a batch. Then it computes the
gradient and the step for each pixel. It skips pixels that are 0, which are four fifths of MNIST.
exp, rounding and the optimizers are the functions of the array code, compiled for single numbers.

theta contains a row for each pixel, and a last row for the bias. A row contains the weights of all
classes of all models, so the innermost loops are long. For n images in a batch and m models of c
classes, theta and the optimizer's memory are float64 (features + 1, m c), and residuals (n, m c).
Models that differ only in averaging count as one of these m models. Each has its own average.
"""

import functools
import hashlib
import math
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from softmax.core import arithmetic
from softmax.core.arithmetic import MAX_PIXEL
from softmax.core.arrays import FloatArray
from softmax.training import optimizers
from softmax.training.optimizers import Optimizer
from softmax.training.state import Rates

Integers = NDArray[np.int64]

# Numba's cache does not notice changes in functions that a cached function calls, so each version
# of SOURCES and Numba has its own CACHE.
SOURCES = [Path(str(x)) for x in (arithmetic.__file__, optimizers.__file__, __file__)]
KEY = hashlib.sha256(b"".join([numba.__version__.encode(), *(x.read_bytes() for x in SOURCES)]))
CACHE = Path(__file__).parents[2] / ".dvc/tmp/numba" / KEY.hexdigest()[:16]
numba.config.CACHE_DIR = str(CACHE)  # type: ignore[attr-defined]
with suppress(OSError):
    CACHE.mkdir(parents=True, exist_ok=True)

PIXEL_BITS = 8
PIXEL_MASK = 2**PIXEL_BITS - 1

# Numba neither reorders sums nor fuses operations, and nogil releases the GIL. If CACHE were not
# writable, Numba would use a directory shared by all versions, and run outdated machine code.
compiled = numba.njit(cache=os.access(CACHE, os.W_OK), error_model="numpy", nogil=True)
for function in (arithmetic.snap, arithmetic.reduced_exp, arithmetic.polynomial):
    register_jitable(function)


class Pixels(NamedTuple):
    """The nonzero pixels of images. Image i is entry[start[i] : start[i + 1]] and ends with 255.

    start is int64 (images + 1,). The low 8 bits of an entry, uint32, are the pixel, and the high
    bits its row of theta, because two separate arrays would take longer to read.
    """

    start: Integers
    entry: NDArray[np.uint32]


class Samples(NamedTuple):
    """The nonzero pixels of images, their labels, uint8 (images,), and the number of classes."""

    pixels: Pixels
    labels: NDArray[np.uint8]
    classes: int


@compiled
def compress(images: NDArray[np.uint8]) -> Pixels:
    """Return the nonzero pixels of `images`, (images, features), and after each image 255."""
    count, features = images.shape
    start = np.zeros(count + 1, np.int64)
    for i in range(count):
        start[i + 1] = start[i] + 1
        for j in range(features):  # np.count_nonzero takes longer to compile than this function
            start[i + 1] += images[i, j] != 0
    entry = np.empty(start[-1], np.uint32)
    k = 0
    for i in range(count):
        for j in range(features):
            if images[i, j]:
                entry[k] = j << PIXEL_BITS | images[i, j]
                k += 1
        entry[k] = features << PIXEL_BITS | MAX_PIXEL
        k += 1
    return Pixels(start, entry)


@compiled
def transpose(pixels: Pixels, batch: Integers, rows: int) -> Pixels:
    """Group pixels of `batch` by row of theta. Their high bits are then positions in `batch`."""
    start = np.zeros(rows + 1, np.int64)
    for i in batch:
        for entry in pixels.entry[pixels.start[i] : pixels.start[i + 1]]:
            start[(entry >> PIXEL_BITS) + 1] += 1
    for row in range(rows):
        start[row + 1] += start[row]
    end, transposed = start.copy(), np.empty(start[-1], np.uint32)
    for b, i in enumerate(batch):
        for entry in pixels.entry[pixels.start[i] : pixels.start[i + 1]]:
            row = entry >> PIXEL_BITS
            transposed[end[row]] = b << PIXEL_BITS | entry & PIXEL_MASK
            end[row] += 1
    return Pixels(start, transposed)


@compiled
def combine(result: FloatArray, rows: FloatArray, pixels: Pixels, i: int) -> None:
    """Set `result` to the sum of pixel times row over all pixels of image i, four at a time."""
    result[:] = 0
    entry = pixels.entry[pixels.start[i] : pixels.start[i + 1]]
    rest = len(entry) // 4 * 4
    for k in range(0, rest, 4):
        a, b = rows[entry[k] >> PIXEL_BITS], rows[entry[k + 1] >> PIXEL_BITS]
        c, d = rows[entry[k + 2] >> PIXEL_BITS], rows[entry[k + 3] >> PIXEL_BITS]
        p, q = float(entry[k] & PIXEL_MASK), float(entry[k + 1] & PIXEL_MASK)
        r, s = float(entry[k + 2] & PIXEL_MASK), float(entry[k + 3] & PIXEL_MASK)
        for j in range(len(result)):
            result[j] += (p * a[j] + q * b[j]) + (r * c[j] + s * d[j])
    for k in range(rest, len(entry)):
        a, p = rows[entry[k] >> PIXEL_BITS], float(entry[k] & PIXEL_MASK)
        for j in range(len(result)):
            result[j] += p * a[j]


@compiled
def exponentials(z: FloatArray, classes: int, e: FloatArray, scratch: FloatArray) -> None:
    """Set `z` to z - max z for each model, and `e` to e^z on the grid of exponentials."""
    for first in range(0, len(z), classes):
        largest = z[first]
        for j in range(first + 1, first + classes):
            largest = max(largest, z[j])
        scratch[first : first + classes] = largest
    for j in range(len(z)):
        z[j] -= scratch[j]
        e[j], scratch[j] = arithmetic.reduced_exp(max(z[j], arithmetic.EXP_LOWEST))
    bits, exponent = e.view(np.int64), scratch.view(np.int64)
    for j in range(len(z)):
        bits[j] += exponent[j] << arithmetic.FRACTION_BITS
    for j in range(len(z)):
        e[j] = arithmetic.snap(e[j], arithmetic.EXPONENTIAL_GRID)


@compiled
def forward(
    theta: FloatArray, samples: Samples, batch: Integers
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the residuals a - y of the images of `batch`, and three arrays of shape (n, m).

    The arrays are the sum of the exponentials, max z - z_y, and 1 for a correct prediction, else 0.
    """
    residuals = np.empty((len(batch), theta.shape[1]))
    classes = samples.classes
    models = theta.shape[1] // classes
    totals, margins, correct = np.empty((3, len(batch), models))
    # These are separate arrays, because `combine` takes twice as long with rows of one array.
    z, e, scratch = np.empty(theta.shape[1]), np.empty(theta.shape[1]), np.empty(theta.shape[1])
    for b, i in enumerate(batch):
        combine(z, theta, samples.pixels, i)
        z *= 1 / MAX_PIXEL
        exponentials(z, classes, e, scratch)
        for first in range(0, len(z), classes):
            total = 0.0
            for j in range(first, first + classes):
                total += e[j]
            scratch[first : first + classes] = total
        a = residuals[b]
        for j in range(len(z)):
            a[j] = e[j] / scratch[j]
        for k in range(models):
            y, prediction = k * classes + samples.labels[i], k * classes
            while z[prediction] < 0:
                prediction += 1
            totals[b, k], margins[b, k], correct[b, k] = scratch[y], -z[y], prediction == y
            a[y] -= 1
        for j in range(len(z)):
            a[j] = arithmetic.snap(a[j], arithmetic.RESIDUAL_GRID)
    return residuals, totals, margins, correct


class Rows(NamedTuple):
    """The arrays of TrainState that a step changes, and the columns of theta to average.

    first and second are the optimizer's memory. Models that differ only in averaging share the
    columns of all arrays but `average`.
    """

    theta: FloatArray
    magnitudes: FloatArray
    first: FloatArray
    second: FloatArray
    average: FloatArray
    columns: Integers  # of theta, for each column of `average`, or empty without averaging


class Epoch(NamedTuple):
    """The inputs of an epoch's steps that do not depend on the model."""

    order: Integers  # (images,)
    batch_size: int
    report_every: int  # as fitting.report_every
    factors: FloatArray  # (steps,); each step multiplies the learning rates by its factor
    corrections: FloatArray  # (steps, 2), of optimizers.corrections


Steps = Callable[[Rows, Rates, Samples, Epoch], FloatArray]


@functools.cache
def stepping(optimizer: Optimizer, plain: bool, shared: bool) -> Steps:
    """Return a compiled function that takes all steps of an epoch with `optimizer`.

    It returns `totals` and `margins` of `forward` for each reported batch, float64
    (2, reported, batch_size, m). One call runs an epoch, because each call may wait for the GIL.

    `plain` is for gradient descent without momentum, weight decay and averaging. The steps then
    keep no memory, and skip pixels that are 0 in the entire batch, because their gradient is 0.
    `shared` tells whether models share a theta. If not, steps do not look up `columns`.
    """
    register_jitable(optimizer)

    def take_steps(state: Rows, rates: Rates, samples: Samples, epoch: Epoch) -> FloatArray:
        models = state.theta.shape[1] // samples.classes
        reported = len(epoch.factors) // epoch.report_every
        results = np.zeros((2, reported, epoch.batch_size, models))
        gradient = np.empty(state.theta.shape[1])
        for number in range(len(epoch.factors)):
            batch = epoch.order[number * epoch.batch_size : (number + 1) * epoch.batch_size]
            residuals, totals, margins, _ = forward(state.theta, samples, batch)
            if (number + 1) % epoch.report_every == 0:
                k = number // epoch.report_every
                results[0, k, : len(batch)], results[1, k, : len(batch)] = totals, margins
            transposed = transpose(samples.pixels, batch, len(state.theta))
            factor, corrections = epoch.factors[number], epoch.corrections[number]
            for i in range(len(state.theta)):
                if plain and transposed.start[i] == transposed.start[i + 1]:
                    continue
                combine(gradient, residuals, transposed, i)
                gradient *= 1 / (MAX_PIXEL * len(batch))
                theta, magnitudes, average = state.theta[i], state.magnitudes[i], state.average[i]
                first, second = state.first[i], state.second[i]
                for j in range(len(gradient)):
                    g, memory = gradient[j], (0.0, 0.0)
                    if not plain:
                        g += theta[j] * rates.weight_decay[j]
                        memory = (first[j], second[j])
                    step, memory = optimizer(g, memory, rates.momentum[j], corrections, math.sqrt)
                    moved = theta[j] - step * (rates.learning_rate[j] * factor)
                    theta[j] = arithmetic.snap(moved, arithmetic.WEIGHT_GRID)
                    magnitudes[j] = np.maximum(magnitudes[j], abs(theta[j]))
                    if not plain:
                        first[j], second[j] = memory
                if not plain:
                    for j in range(len(state.columns)):
                        weight = theta[state.columns[j] if shared else j]
                        average[j] = (average[j] - weight) * rates.averaging[j] + weight
        return results

    # Numba confuses the constants of functions with one name that different processes have cached.
    take_steps.__qualname__ = f"take_steps_{optimizer.__name__}_{plain:d}_{shared:d}"
    return compiled(take_steps)
