"""Provide numbers, drawings and photos, on which Python and the browser are tested."""

import math

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from softmax.core.arithmetic import (
    EXPONENTIAL_GRID,
    LOSS_GRID,
    MAX_PIXEL,
    RESIDUAL_GRID,
    WEIGHT_GRID,
)
from softmax.core.arrays import FloatArray
from softmax.training.randomness import uniform

Integers = NDArray[np.int64]
Ink = NDArray[np.uint8]

GRIDS = st.sampled_from([WEIGHT_GRID, RESIDUAL_GRID, EXPONENTIAL_GRID, LOSS_GRID])
UNITS = st.floats(-(2**51), 2**51, exclude_min=True, exclude_max=True)
TIES = st.integers(1 - 2**51, 2**51 - 2).map(lambda n: n + 0.5)
SMALLEST_NORMAL, LARGEST = 2.0**-1022, float.fromhex("0x1.fffffffffffffp+1023")
LARGEST_ROW = (2**53 - 1) // 255  # units in the absolute parameters of a class
LARGEST_LOGIT = 2**23 / 255
SEEDS = st.integers(0, 2**32 - 1)
ENDS = st.sampled_from([MAX_PIXEL, MAX_PIXEL - 1, 0, -MAX_PIXEL])
PIXELS = ENDS | st.integers(-MAX_PIXEL, MAX_PIXEL)  # negative in the points of the lesson
SHAPES = st.tuples(st.integers(1, 50), st.integers(1, 50))
INKS = arrays(np.uint8, SHAPES, elements=st.integers(0, 255), fill=st.just(0))
LOGITS = arrays(
    np.float64,
    st.tuples(st.integers(1, 10), st.integers(1, 5)),
    elements=st.floats(-LARGEST_LOGIT, LARGEST_LOGIT) | st.floats(-1, 0),
    fill=st.nothing(),
)


def with_neighbors(x: FloatArray) -> FloatArray:
    """Return x with the next smaller and the next larger doubles: (3 n,)."""
    return np.concatenate([x, np.nextafter(x, -np.inf), np.nextafter(x, np.inf)])


def exp_samples() -> FloatArray:
    """Return inputs of exp: its whole domain, and both sides of each change of k in k ln 2 + r."""
    changes = with_neighbors(np.arange(-1020.5, 0) * math.log(2))
    powers = -np.ldexp(1.0, np.arange(-1022, 10))
    spread = uniform(4000, seed=0, stream=0) - 1
    return np.concatenate([[0, -0.0, -708], changes, powers, spread, spread * 354])


def log_samples() -> FloatArray:
    """Return inputs of log: its domain, both sides of each change of k in 2^k (1 + f), and of 1."""
    exponents = np.arange(-1021, 1025)
    changes = with_neighbors(np.ldexp(math.sqrt(0.5), exponents))
    near_one = 1 + np.arange(-100, 100) * 2.0**-53
    spread = uniform(len(exponents), seed=0, stream=0) / 4 + 0.75
    ends = [SMALLEST_NORMAL, LARGEST]
    return np.concatenate([ends, changes, near_one, spread, np.ldexp(spread, exponents)])


@st.composite
def parts(draw: st.DrawFn, shape: tuple[int, int], total: int) -> Integers:
    """Draw rows of nonnegative integers whose sum is `total`, dominated by few or by many terms."""
    rows, columns = shape
    cuts = arrays(np.int64, (rows, columns - 1), elements=st.integers(0, total)) | SEEDS.map(
        lambda seed: np.random.default_rng(seed).integers(total + 1, size=(rows, columns - 1))
    )
    return np.diff(np.sort(draw(cuts)), prepend=0, append=total)


@st.composite
def thetas_and_pixels(draw: st.DrawFn) -> tuple[Integers, Integers]:
    """Draw parameters in units, within their bound and up to MNIST's size, and images."""
    classes, features, images = (draw(st.integers(1, most)) for most in (10, 785, 5))
    total = draw(st.sampled_from([LARGEST_ROW, LARGEST_ROW - 1]) | st.integers(0, LARGEST_ROW))
    magnitudes = draw(parts((classes, features), total))
    signs = draw(arrays(np.int64, (classes, features), elements=st.sampled_from([1, -1])))
    return magnitudes * signs, draw(arrays(np.int64, (features, images), elements=PIXELS))


def dots(shape: tuple[int, int], shades: dict[tuple[int, int], int]) -> Ink:
    """Return strokes that consist of single cells."""
    strokes = np.zeros(shape, np.uint8)
    for place, shade in shades.items():
        strokes[place] = shade
    return strokes


EDGES = {
    "nothing": np.zeros((28, 28), np.uint8),
    "a dot in a corner": dots((280, 280), {(279, 279): 255}),
    "a full square": np.full((280, 280), 255, np.uint8),
    "a row": np.full((1, 300), 200, np.uint8),
    "dots too faint to be seen": dots((300, 100), {(0, 0): 1, (299, 99): 1}),
    "halves": dots((40, 40), {(0, 0): 2, (0, 1): 255, (1, 0): 1, (39, 39): 253}),
    "a large field": np.random.default_rng(0).integers(256, size=(1024, 768)).astype(np.uint8),
    "cut off": np.pad(np.full((200, 4), 255, np.uint8), ((0, 0), (0, 196)))
    + dots((200, 200), {(100, 199): 9}),
}


def written(digit: str, side: int = 400) -> NDArray[np.float64]:
    """Draw a digit off center: 1 in its strokes and 0 elsewhere, float64 (side, side)."""
    field = Image.new("L", (side, side))
    font = ImageFont.load_default(side // 2)
    ImageDraw.Draw(field).text((side // 4, side // 8), digit, 255, font)
    return np.asarray(field) / 255


def photographed(strokes: NDArray[np.float64], *, shade: float = 0, noise: float = 0) -> Ink:
    """Return a photo of dark ink on paper, in light from one corner, with camera noise."""
    y, x = np.mgrid[: strokes.shape[0], : strokes.shape[1]] / max(strokes.shape)
    light = 240 * (1 - 0.8 * strokes) * (1 - shade * (x + y) / 2)
    light = light + np.random.default_rng(0).normal(0, noise, strokes.shape)
    return light.clip(0, 255).astype(np.uint8)
