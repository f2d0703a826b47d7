"""All models of a sweep at a glance: accuracy beside each value that was varied."""

import io
from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

WIDE, HIGH = 3.6, 3.4  # inches of a panel
FEW = 12  # values that have a place each, whatever lies between them


def draw(table: pd.DataFrame, keys: Sequence[str], metric: str) -> bytes:
    """A PNG with a panel for each of `keys`, and a dot in it for each row of `table`."""
    figure = Figure((WIDE * len(keys) + 0.6, HIGH), layout="constrained", dpi=120)
    panels = figure.subplots(1, len(keys), sharey=True, squeeze=False)[0]
    for panel, key in zip(panels, keys, strict=True):
        values = table[key]
        if len(places := sorted(values.unique())) <= FEW:
            values = values.map(places.index)
            panel.set_xticks(range(len(places)), map(str, places))
            panel.margins(x=0.5 / len(places))
        panel.scatter(values, table[metric], s=26, alpha=0.5, edgecolors="none")
        panel.set_xlabel(key)
        panel.grid(alpha=0.25)
    panels[0].set_ylabel(metric.replace("_", " "))
    panels[0].yaxis.set_major_formatter(PercentFormatter(1))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
