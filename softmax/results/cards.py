"""The lecture's sample cards: a test image beside its ten scores and probabilities, as SVG."""

import base64
import math

import numpy as np
from numpy.typing import NDArray

from softmax.results import images

ROW, BAR = 24, 200  # pixels: the height of a class, the width of probability 1

CARD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 320" width="720" height="320"
     font-family="Helvetica, Arial, sans-serif" font-size="15" fill="#1f2328">
<rect width="720" height="320" fill="#ffffff"/>
<text x="24" y="34" font-size="18" font-weight="bold">{title}</text>
<image x="24" y="54" width="232" height="232" image-rendering="pixelated"
       style="image-rendering: pixelated" href="data:image/png;base64,{picture}"/>
<g fill="#59636e" text-anchor="end">
<text x="320" y="64">class</text><text x="410" y="64">score z</text>
<text x="700" y="64">probability a</text>
</g>
{rows}
</svg>
"""
CLASS = """\
<g text-anchor="end"{weight}>
<text x="320" y="{y}">{k}</text><text x="410" y="{y}">{z:.3f}</text>
<rect x="426" y="{top}" width="{bar}" height="14" fill="{colour}"/>
<text x="700" y="{y}">{a:.3f}</text>
</g>"""


def card(
    index: int,
    pixels: NDArray[np.uint8],
    label: int,
    z: NDArray[np.float64],
    a: NDArray[np.float64],
) -> bytes:
    """The card of test image `index`: its pixels (features,), logits and probabilities (classes,).

    The label's bar is green; where the prediction is another class, that one's is red.
    """
    side = math.isqrt(len(pixels))
    picture = images.png(pixels.reshape(side, side), images.GRAY, 1)
    prediction = int(np.argmax(z))
    verdict = "right" if prediction == label else "wrong"
    rows = [
        CLASS.format(
            k=k,
            z=z[k] + 0.0,  # the sign of a zero sum depends on the order
            a=a[k],
            y=88 + ROW * k,
            top=76 + ROW * k,
            bar=round(float(a[k]) * BAR),
            colour="#2da44e" if k == label else "#cf222e" if k == prediction else "#8c959f",
            weight=' font-weight="bold"' if k in (label, prediction) else "",
        )
        for k in range(len(z))
    ]
    title = f"Test image {index}: a {label}, called {prediction} ({a[prediction]:.2f}), {verdict}"
    encoded = base64.b64encode(picture).decode()
    return CARD.format(title=title, picture=encoded, rows="\n".join(rows)).encode()
