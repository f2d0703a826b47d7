"""The lecture's sample cards: a test image beside its scores and probabilities, as SVG."""

import base64
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from softmax.core import model
from softmax.results import images

ROWS = 10  # classes that have room
ROW, BAR = 24, 200  # pixels: the height of a class, the width of probability 1
LETTER, ROOM = 9, 56  # pixels: the width of a letter, and of the longest name that needs no more

CARD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 320" width="{width}" height="320"
     font-family="Helvetica, Arial, sans-serif" font-size="15" fill="#1f2328">
<rect width="{width}" height="320" fill="#ffffff"/>
<text x="24" y="34" font-size="18" font-weight="bold">{title}</text>
<image x="24" y="54" width="232" height="232" image-rendering="pixelated"
       style="image-rendering: pixelated" href="data:image/png;base64,{picture}"/>
<g fill="#59636e" text-anchor="end">
<text x="{name}" y="64">class</text><text x="{score}" y="64">score z</text>
<text x="{right}" y="64">probability a</text>
</g>
{rows}
</svg>
"""
CLASS = """\
<g text-anchor="end"{weight}>
<text x="{name}" y="{y}">{called}</text><text x="{score}" y="{y}">{z:.3f}</text>
<rect x="{left}" y="{top}" width="{bar}" height="14" fill="{colour}"/>
<text x="{right}" y="{y}">{a:.3f}</text>
</g>"""


def card(
    index: int,
    pixels: NDArray[np.uint8],
    label: int,
    z: NDArray[np.float64],
    names: Sequence[str],
) -> bytes:
    """The card of test image `index`: its pixels, gray or RGB, and logits (classes,).

    The label's bar is green; where the prediction is another class, that one's is red. Of many
    classes the ten of the largest logits are shown, and the label in place of the last.
    """
    a, shown = model.softmax(z[:, None])[:, 0], _shown(z, label)
    wider = max(0, LETTER * max(len(names[k]) for k in shown) - ROOM)
    places = {"name": 320 + wider, "score": 410 + wider, "left": 426 + wider, "right": 700 + wider}
    prediction = int(np.argmax(z))
    rows = [
        CLASS.format(
            called=escape(names[k]),
            z=z[k] + 0.0,  # the sign of a zero sum depends on the order
            a=a[k],
            y=88 + ROW * row,
            top=76 + ROW * row,
            bar=round(float(a[k]) * BAR),
            colour="#2da44e" if k == label else "#cf222e" if k == prediction else "#8c959f",
            weight=' font-weight="bold"' if k in (label, prediction) else "",
            **places,
        )
        for row, k in enumerate(shown)
    ]
    what = f"a {names[label]}" if names[label].isdecimal() else names[label]
    verdict = "right" if prediction == label else "wrong"
    title = (
        f"Test image {index}: {what}, called {names[prediction]} ({a[prediction]:.2f}), {verdict}"
    )
    picture = base64.b64encode(images.png(pixels, images.GRAY, 1)).decode()
    return CARD.format(
        title=escape(title), picture=picture, rows="\n".join(rows), width=720 + wider, **places
    ).encode()


def _shown(z: NDArray[np.float64], label: int) -> list[int]:
    """The classes that have a row."""
    if len(z) <= ROWS:
        return list(range(len(z)))
    first: list[int] = np.argsort(-z, kind="stable")[:ROWS].tolist()
    return first if label in first else [*first[:-1], label]
