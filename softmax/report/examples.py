"""Compute the 2-D example: three clouds of points, with the model and training of the pipeline.

A point is an image of two pixels: integers, 255 x, which may be negative. In the square from -1 to
1, their magnitude is at most 255, like that of pixels, so all sums are exact for the same reasons.
The functions that train also compute the lecture's numerical examples. Derivatives are compared
with central differences of the same functions.

The figures are SVG: decision regions after some epochs, and probabilities. A map of the square is a
PNG image with a pixel for each point of the lattice. All text and shapes have integer coordinates,
which inside a square are 255 x.
"""

import base64
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax.analysis import evaluation, images
from softmax.analysis.images import Levels
from softmax.core import arithmetic, arrays, model
from softmax.core.arithmetic import MAX_PIXEL, WEIGHT_GRID
from softmax.core.arrays import FloatArray, Table
from softmax.core.batches import Dataset
from softmax.pipeline.params import Lesson
from softmax.training import fitting, randomness
from softmax.training.fitting import Epoch
from softmax.training.state import Hyperparameters

CENTERS = np.array([[0, 102], [87, -51], [-87, -51]])  # of red, green and blue, in 255ths
CLASSES = len(CENTERS)
POINTS = 2**64 - 1  # the random stream of the points; epochs use 1, 2, 3, ...
CELLS = 256  # of the lattice, across and down


def points(params: Lesson) -> Dataset:
    """Return the points, class by class: 255 x, int16 (n, 2), and labels, uint8 (n,).

    The sum of three uniform values from -spread to spread has the standard deviation spread.
    """
    count = CLASSES * params.points
    u, v, w = randomness.uniform(3 * count * 2, params.seed, POINTS).reshape(3, count, 2)
    labels = np.arange(count) // params.points
    places = CENTERS[labels] + (u + v + w) * (params.spread * MAX_PIXEL)
    return Dataset(arithmetic.snap(places, 1.0).astype(np.int16), labels.astype(np.uint8), CLASSES)


def lattice() -> Dataset:
    """Return the points of a lattice that fills the square, row by row from the top left.

    255 x is int16 (CELLS * CELLS, 2): odd values from -255 to 255. The labels have no meaning.
    """
    across = np.arange(1 - CELLS, CELLS, 2, dtype=np.int16)
    cells = np.stack(np.meshgrid(across, -across), axis=-1).reshape(-1, 2)
    return Dataset(cells, np.zeros(len(cells), np.uint8), CLASSES)


def fit(data: Dataset, params: Lesson, share: float = 1) -> list[Epoch]:
    """Fit softmax regression by full-batch gradient descent, at `share` of the learning rate."""
    train = Hyperparameters(
        seed=params.seed,
        epochs=params.epochs,
        batch_size=len(data.labels),
        optimizer="sgd",
        learning_rate=params.learning_rate * share,
        schedule="constant",
        momentum=0.0,
        weight_decay=0.0,
        averaging=0.0,
    )
    return list(fitting.fit(*data.split(0), train))


def fit_logistic(data: Dataset, params: Lesson) -> list[FloatArray]:
    """Fit a logistic regression for each class against the others, each with theta (2, 3).

    Logistic regression is softmax regression with two classes, because with z = z_1 - z_0

        e^z_1 / (e^z_0 + e^z_1) = 1 / (1 + e^-z).

    A step changes both z_0 and z_1, so the lecture's steps need half the learning rate.
    """
    one_or_other = (Dataset(data.images, data.labels == k, 2) for k in range(CLASSES))
    return [fit(two, params, 1 / 2)[-1].theta for two in one_or_other]


def probabilities(theta: FloatArray, data: Dataset) -> FloatArray:
    """Return the probabilities of softmax regression for each point: (k, n)."""
    return model.softmax(evaluation.logits(theta, data))


def logistic(thetas: list[FloatArray], data: Dataset) -> FloatArray:
    """Return the probability of each logistic regression for each point: (3, n)."""
    return np.stack([probabilities(theta, data)[1] for theta in thetas])


def totals(p: FloatArray) -> FloatArray:
    """Return the sum of three probabilities (3, n) at each point: (n,)."""
    red, green, blue = p
    return red + green + blue  # these sums round, so their order matters


def metrics(last: Epoch, a: FloatArray, q: FloatArray) -> dict[str, float]:
    """Return the final loss and accuracy, and the range of the sums of softmax a and of q."""
    return fitting.metrics(last) | {
        "softmax_sum_min": totals(a).min(),
        "softmax_sum_max": totals(a).max(),
        "logistic_sum_min": totals(q).min(),
        "logistic_sum_max": totals(q).max(),
    }


def points_table(data: Dataset, theta: FloatArray, thetas: list[FloatArray]) -> Table:
    """Return columns for each point: 255 x, label, prediction, softmax p, logistic q, sum of q."""
    z, q = evaluation.logits(theta, data), logistic(thetas, data)
    places = {f"x{k}": x for k, x in enumerate(data.images.T, start=1)}
    together = evaluation.predictions(z, model.softmax(z), data.labels)
    alone = {f"q{k}": row for k, row in enumerate(q)} | {"q_sum": totals(q)}
    return {**places, **together, **alone}


# The W of the lecture and, in the last column, its b.
THETA = arithmetic.snap(
    np.array([[0.31, 3.95, 1.2], [7.07, -0.23, 2.93], [-6.27, -2.35, -4.14]]), WEIGHT_GRID
)
# 255 x for the lecture's points (-0.1, 1.4), (1.3, 0.9) and (-1.4, -1.1), one for each class. Some
# are above 255 or not integers, but sums stay exact because these weights are small.
EXAMPLE_POINTS = np.array([[-25.5, 331.5, -357.0], [357.0, 229.5, -280.5], [MAX_PIXEL] * 3])
X = EXAMPLE_POINTS[:, :1]
# The predictions that the lecture assumes for the three points, one in each column.
PREDICTIONS = np.array([[0.9, 0.1, 0.1], [0.1, 0.8, 0.2], [0.0, 0.1, 0.7]])
LABEL = 1  # label of X: not the prediction, so the gradient is large

STEP = math.ldexp(1, -13)  # about the cube root of the exponentials' grid: minimizes the error
LOG_STEP = math.ldexp(1, -20)  # smaller, because log is more curved and has no grid


class Example(NamedTuple):
    """A formula, its value and, for a derivative, central differences of the same shape."""

    name: str
    formula: str
    value: FloatArray
    differences: FloatArray | None = None


def examples() -> list[Example]:
    """Return all examples in the lecture's order, from the given values to the derivatives."""
    z, y = model.logits(THETA, X), np.eye(3)
    a = model.softmax(z)
    likelihoods = np.where(y, PREDICTIONS, 1.0).prod(axis=0)  # a to the power of y
    losses = -arithmetic.log(likelihoods)
    return [
        Example("weights", "W", THETA[:, :-1]),
        Example("biases", "b", THETA[:, -1]),
        Example("points", "x⁽¹⁾ x⁽²⁾ x⁽³⁾", EXAMPLE_POINTS[:-1] / MAX_PIXEL),
        Example("scores", "z = W x⁽¹⁾ + b", z[:, 0]),
        Example("sigmoids", "σ(zₖ) = 1 / (1 + e^−zₖ)", model.softmax(np.hstack([0 * z, z]).T)[1]),
        Example("probabilities", "aₖ = e^zₖ / Σⱼ e^zⱼ", a[:, 0]),
        Example("label", "y", y[:, LABEL]),
        Example("cross-entropy", "L = −Σⱼ yⱼ log aⱼ", model.cross_entropy(z, y[:, [LABEL]])),
        Example("predictions", "a⁽¹⁾ a⁽²⁾ a⁽³⁾", PREDICTIONS),
        Example("likelihoods", "∏ⱼ aⱼ^yⱼ", likelihoods),
        Example("likelihood of all", "∏ᵢ ∏ⱼ aⱼ^yⱼ", np.array([math.prod(likelihoods.tolist())])),
        Example("cross-entropy of all", "J = −Σᵢ Σⱼ yⱼ log aⱼ", np.array([sum(losses.tolist())])),
        *_derivatives(z, a, y[:, [LABEL]]),
    ]


def jacobian(a: FloatArray) -> FloatArray:
    """Return da/dz = a 1ᵀ ∘ (I - 1 aᵀ), (classes, classes), at probabilities a, (classes, 1)."""
    return a * (np.eye(len(a)) - a.T)


def examples_table(chosen: Sequence[Example]) -> Table:
    """Return a table with a row for each example; semicolons separate the rows of a matrix."""
    rows = [
        (
            name,
            formula,
            "; ".join(" ".join(f"{x:.6g}" for x in row) for row in np.atleast_2d(value)),
            None if differences is None else float(abs(value - differences).max()),
        )
        for name, formula, value, differences in chosen
    ]
    names = ("example", "formula", "value", "finite_differences_off_by")
    return arrays.table(names, rows)


def _derivatives(z: FloatArray, a: FloatArray, y: FloatArray) -> list[Example]:
    """Return the derivatives at X, from dL/da to dL/dW, as columns like the lecture's."""

    def loss(a: FloatArray) -> FloatArray:
        return -arithmetic.log(a[LABEL])

    by_a = (0 - y) / a
    by_z = sum(da * dl for da, dl in zip(jacobian(a), by_a, strict=True))  # `sum` fixes the order
    residuals = model.residuals(a, y)
    by_theta = model.mean_gradient(model.gradient_sum(residuals, X), 1)
    slopes = _differences(lambda theta: loss(model.softmax(model.logits(theta, X))), THETA, STEP)
    slopes_by_z = _differences(lambda z: loss(model.softmax(z)), z, STEP)
    return [
        Example(
            "Jacobian", "∂a/∂z = a1ᵀ ∘ (I − 1aᵀ)", jacobian(a), _differences(model.softmax, z, STEP)
        ),
        Example("gradient by a", "∂L/∂a = −y / a", by_a[:, 0], _differences(loss, a, LOG_STEP)),
        Example("gradient by z, chain rule", "∂L/∂z = ∂a/∂z ∂L/∂a", by_z, slopes_by_z),
        Example("gradient by z", "∂L/∂z = a − y", residuals[:, 0], slopes_by_z),
        Example("gradient by W", "∂L/∂W = (a − y) xᵀ", by_theta[:, :-1], slopes[:, :-1]),
        Example("gradient by b", "∂L/∂b = a − y", by_theta[:, -1], slopes[:, -1]),
    ]


def _differences(
    function: Callable[[FloatArray], FloatArray], x: FloatArray, step: float
) -> FloatArray:
    """Return central differences of each value of `function` by each element of x, squeezed."""
    changes = step * np.eye(x.size).reshape(x.size, *x.shape)
    slopes = [(function(x + change) - function(x - change)) / (2 * step) for change in changes]
    return np.stack(slopes, axis=-1).reshape(*slopes[0].shape, *x.shape).squeeze()


COLORS = {"red": (203, 60, 51), "green": (56, 152, 38), "blue": (64, 99, 216)}
PAPER, INK = (255, 255, 255), (31, 35, 40)
COLUMNS = 4  # squares in a row of a figure
PITCH_X, PITCH_Y = 280, 304  # pixels from one square to the next, of which the square takes 256
SHADES = 85  # shades of a class, from probability 1/3 to 1
LINE = 255  # the level of the border between two areas

REGIONS = np.vstack([images.ramp(PAPER, rgb, 150)[25:110] for rgb in COLORS.values()] + [PAPER])
EXCESS = images.two_sided((94, 60, 153), (230, 97, 1))  # purple and orange: no class has them

FIGURE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"
     height="{height}" font-family="Helvetica, Arial, sans-serif" font-size="13" fill="#1f2328">
<rect width="{width}" height="{height}" fill="#ffffff"/>
<text x="24" y="38" font-size="20" font-weight="bold">{title}</text>
{panels}
</svg>
"""
PANEL = """\
<text x="{x}" y="{above}">{caption}</text>
<svg x="{x}" y="{y}" width="256" height="256" viewBox="-256 -256 512 512" overflow="visible">
{content}
<rect x="-255" y="-255" width="510" height="510" fill="none" stroke="#8c959f" stroke-width="2"/>
</svg>"""
AXES = """\
<path d="M-255 0H255M0-255V255" stroke="#d1d9e0" stroke-width="2"/>
<g font-size="22" fill="#59636e">
<text x="246" y="-10" text-anchor="end">x₁ = 1</text><text x="-246" y="-10">−1</text>
<text x="10" y="-232">x₂ = 1</text><text x="10" y="246">−1</text>
</g>"""


def forming(data: Dataset, epochs: Sequence[Epoch]) -> bytes:
    """Draw the points, and the decision regions after epochs 1, 2, 5, 10, ... and the last."""
    cells, last = lattice(), len(epochs)
    series = {digit * 10**power for power in range(3) for digit in (1, 2, 5)}
    points = AXES + dots(data, np.ones(len(data.labels), bool))
    shown = [(f"{len(data.labels)} points of three classes", points)]
    for number in sorted({n for n in series if n < last} | {last}):
        theta, score = epochs[number - 1].theta, epochs[number - 1].training
        correct = model.predict(evaluation.logits(theta, data)) == data.labels
        caption = f"epoch {number}: loss {score.loss:.3f}, {score.correct} of {score.total} correct"
        below = regions(probabilities(theta, cells))
        shown.append((caption, f"{below}\n{dots(data, correct)}"))
    return figure("Decision regions during training: misclassified points have a dark rim", shown)


def surfaces(a: FloatArray, q: FloatArray) -> bytes:
    """Draw softmax a above logistic regressions q, both (3, n), and their sums minus 1."""
    largest = abs(totals(q) - 1).max()
    shown = []
    for caption, p in {"softmax: {}, line at ½": a, "logistic, {}: line at ½": q}.items():
        for color, values in zip(COLORS, p, strict=True):
            shown.append((caption.format(color), surface(values, color)))
        excess = totals(p) - 1
        ends = f"{excess.min():+.2g} to {excess.max():+.2g}".replace("-", "−")
        levels = np.rint(excess * (127 / largest) + 128)  # full color at -largest and largest
        shown.append((f"sum minus 1: {ends}", _map(levels, EXCESS)))
    title = "Softmax probabilities add up to 1; those of three logistic regressions need not"
    return figure(title, shown)


def figure(title: str, panels: Sequence[tuple[str, str]]) -> bytes:
    """Return an SVG file of panels: a caption, and SVG with coordinates from -256 to 256."""
    width, height = 24 + PITCH_X * COLUMNS, 68 + PITCH_Y * -(-len(panels) // COLUMNS)
    drawn = []
    for k, (caption, content) in enumerate(panels):
        x, y = 24 + PITCH_X * (k % COLUMNS), 92 + PITCH_Y * (k // COLUMNS)
        drawn.append(PANEL.format(x=x, y=y, above=y - 12, caption=caption, content=content))
    return FIGURE.format(width=width, height=height, title=title, panels="\n".join(drawn)).encode()


def dots(data: Dataset, correct: NDArray[np.bool_]) -> str:
    """Draw a dot for each point in the color of its class, with a dark rim if misclassified."""
    fills = [f"rgb{rgb}" for rgb in COLORS.values()]
    rims = np.where(correct, "#ffffff", "#1f2328")
    return "\n".join(
        f'<circle cx="{x}" cy="{-y}" r="8" fill="{fills[label]}" stroke="{rim}" stroke-width="3"/>'
        for (x, y), label, rim in zip(data.images, data.labels, rims, strict=True)
    )


def regions(a: FloatArray) -> str:
    """Draw the likeliest class of a (3, n) in its color, stronger for higher probabilities."""
    winner, largest = a.argmax(axis=0), a.max(axis=0)
    shade = np.rint((largest * 3 - 1) * ((SHADES - 1) / 2))
    return _map(np.where(_borders(winner), LINE, winner * SHADES + shade), REGIONS)


def surface(p: FloatArray, color: str) -> str:
    """Draw probabilities (n,) on the lattice from white to `color`, with a line at 1/2."""
    palette = np.vstack([images.ramp(PAPER, COLORS[color], LINE), INK])
    return _map(np.where(_borders(p > 0.5), LINE, np.rint(p * (LINE - 1))), palette)


def _map(levels: FloatArray, palette: Levels) -> str:
    """Return an image that fills the square, from a level for each point of the lattice, (n,)."""
    side = math.isqrt(len(levels))
    cells = levels.astype(np.uint8).reshape(side, side)
    picture = images.png(cells, palette.astype(np.uint8), 1)
    return (
        '<image x="-256" y="-256" width="512" height="512" '
        f'href="data:image/png;base64,{base64.b64encode(picture).decode()}"/>'
    )


def _borders(areas: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Tell which points of the lattice have a neighbor in an area with a higher number: (n,)."""
    side = math.isqrt(len(areas))
    square = areas.reshape(side, side)
    wide = np.pad(square, 1, mode="edge")
    neighbors = [wide[:-2, 1:-1], wide[2:, 1:-1], wide[1:-1, :-2], wide[1:-1, 2:]]
    return (np.max(neighbors, axis=0) > square).ravel()
