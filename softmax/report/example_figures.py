"""The lesson's two pictures, SVG: regions as they form under the points, and probabilities.

A map of the square is a PNG with a cell for each point of the lattice. All else is text and shapes
at whole numbers; inside a square these are those of the points, 255 x.
"""

import base64
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax.analysis import evaluation, images
from softmax.analysis.images import Levels
from softmax.core import model
from softmax.core.arrays import FloatArray
from softmax.core.batches import Dataset
from softmax.report import examples
from softmax.training.fitting import Epoch

COLOURS = {"red": (203, 60, 51), "green": (56, 152, 38), "blue": (64, 99, 216)}
PAPER, INK = (255, 255, 255), (31, 35, 40)
COLUMNS = 4  # of squares in a figure
PITCH_X, PITCH_Y = 280, 304  # pixels from one square to the next; a square has 256
SHADES = 85  # of each class's region, from a tie of all to certainty
LINE = 255  # the level of the line between two areas

REGIONS = np.vstack([images.ramp(PAPER, rgb, 150)[25:110] for rgb in COLOURS.values()] + [PAPER])
EXCESS = images.two_sided((94, 60, 153), (230, 97, 1))  # purple and orange, which no class has

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


class Panel(NamedTuple):
    """A square of SVG whose sides are -256 to 256, and the line above it."""

    caption: str
    content: str


def forming(data: Dataset, epochs: Sequence[Epoch]) -> bytes:
    """The points, and decision regions after epochs 1, 2, 5, 10, 20, 50, ... and the last."""
    lattice, last = examples.lattice(), len(epochs)
    series = {digit * 10**power for power in range(3) for digit in (1, 2, 5)}
    everything = np.ones(len(data.labels), bool)
    shown = [Panel(f"{len(data.labels)} points of three classes", AXES + dots(data, everything))]
    for number in sorted({n for n in series if n < last} | {last}):
        theta, score = epochs[number - 1].theta, epochs[number - 1].training
        right = model.predict(evaluation.logits(theta, data)) == data.labels
        caption = f"epoch {number}: loss {score.loss:.3f}, {score.correct} of {score.total} right"
        below = regions(examples.probabilities(theta, lattice))
        shown.append(Panel(caption, f"{below}\n{dots(data, right)}"))
    return figure("Decision regions as they form: a point not yet right has a dark rim", shown)


def surfaces(a: FloatArray, q: FloatArray) -> bytes:
    """On the lattice, (3, n): softmax a above logistic regressions q, and the sums minus one."""
    largest = abs(examples.totals(q) - 1).max()
    shown = []
    for caption, p in {"softmax: {}, line at ½": a, "{} or not, alone: line at ½": q}.items():
        for color, values in zip(COLOURS, p, strict=True):
            shown.append(Panel(caption.format(color), surface(values, color)))
        excess = examples.totals(p) - 1
        ends = f"{excess.min():+.2g} to {excess.max():+.2g}".replace("-", "−")
        shown.append(Panel(f"sum minus 1: {ends}", deviation(excess, largest)))
    title = "Softmax shares out one probability, three logistic regressions each their own"
    return figure(title, shown)


def figure(title: str, panels: Sequence[Panel]) -> bytes:
    """The panels in rows of COLUMNS, as an SVG file."""
    width, height = 24 + PITCH_X * COLUMNS, 68 + PITCH_Y * -(-len(panels) // COLUMNS)
    drawn = []
    for k, panel in enumerate(panels):
        x, y = 24 + PITCH_X * (k % COLUMNS), 92 + PITCH_Y * (k // COLUMNS)
        drawn.append(PANEL.format(x=x, y=y, above=y - 12, **panel._asdict()))
    return FIGURE.format(width=width, height=height, title=title, panels="\n".join(drawn)).encode()


def dots(data: Dataset, right: NDArray[np.bool_]) -> str:
    """A dot for each point in the color of its class, with a dark rim where it is not `right`."""
    fills = [f"rgb{rgb}" for rgb in COLOURS.values()]
    return "\n".join(
        f'<circle cx="{x}" cy="{-y}" r="8" fill="{fills[label]}" stroke="{rim}" stroke-width="3"/>'
        for (x, y), label, rim in zip(
            data.images.tolist(),
            data.labels.tolist(),
            np.where(right, "#ffffff", "#1f2328").tolist(),
            strict=True,
        )
    )


def regions(a: FloatArray) -> str:
    """The color of the likeliest class, stronger where it is surer, of a (3, n) on the lattice."""
    winner, largest = a.argmax(axis=0), a.max(axis=0)
    shade = np.rint((largest * 3 - 1) * ((SHADES - 1) / 2))
    return _map(np.where(_borders(winner), LINE, winner * SHADES + shade), REGIONS)


def surface(p: FloatArray, color: str) -> str:
    """Probabilities (n,) on the lattice from white to `color`, with a line at one half."""
    palette = np.vstack([images.ramp(PAPER, COLOURS[color], LINE), INK])
    return _map(np.where(_borders(p > 0.5), LINE, np.rint(p * (LINE - 1))), palette)


def deviation(values: FloatArray, largest: float) -> str:
    """Values (n,) on the lattice, purple below 0 and orange above, full at ± `largest`."""
    return _map(np.rint(values * (127 / largest) + 128), EXCESS)


def _map(levels: FloatArray, palette: Levels) -> str:
    """A picture that fills the square, of a level for each point of the lattice, (n,)."""
    side = math.isqrt(len(levels))
    cells = levels.astype(np.uint8).reshape(side, side)
    picture = images.png(cells, palette.astype(np.uint8), 1)
    return (
        '<image x="-256" y="-256" width="512" height="512" '
        f'href="data:image/png;base64,{base64.b64encode(picture).decode()}"/>'
    )


def _borders(areas: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Where a point of the lattice has a neighbour in an area of a higher number: (n,)."""
    side = math.isqrt(len(areas))
    square = areas.reshape(side, side)
    wide = np.pad(square, 1, mode="edge")
    neighbours = [wide[:-2, 1:-1], wide[2:, 1:-1], wide[1:-1, :-2], wide[1:-1, 2:]]
    return (np.max(neighbours, axis=0) > square).ravel()
