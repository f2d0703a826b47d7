"""Two models side by side, as a page of Markdown and as pictures: what changed, beyond noise?"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from softmax.pipeline import paths
from softmax.provenance import significance
from softmax.provenance.reading import Results
from softmax.results import images

POINTS = 50  # of a loss curve
NONE = "-"  # in tables, for what a side does not have
SCALE = 5  # screen pixels per weight
COLORS = ("#999999", "#1f77b4")  # of the loss before and after, on white and on black

CHART = """\
```mermaid
---
config:
  themeVariables:
    xyChart:
      plotColorPalette: "{colors}"
---
xychart-beta
  title "Training loss: before (gray), after (blue)"
  x-axis "epoch" {first:.3g} --> {last:.3g}
  y-axis "cross-entropy"
{lines}
```"""

PICTURES = """\
<details><summary>Weights before, after, and their difference</summary>

Blue is below zero, red above. The difference has a scale of its own, up to {largest:.3g}.
The pictures are files in the folder compare beside this page.

Before: ![weights](compare/before.png)

After: ![weights](compare/after.png)

Difference: ![weights](compare/difference.png)

</details>"""


def markdown(before: Results, after: Results, *, charts: bool = True) -> str:
    """The page, or without `charts` that part of it which needs no more than text."""
    sections = [
        f"# {before.name} → {after.name}",
        _identity(before, after),
        significance.verdict(before, after),
        significance.over_seeds(before.by_seed, after.by_seed),
        _changes(before, after),
        _metrics(before.metrics, after.metrics),
        _by_class(before.classes, after.classes),
    ]
    if charts and not np.array_equal(before.tiles, after.tiles):
        sections.append(_curves(before.losses, after.losses))
        if before.tiles.shape == after.tiles.shape:
            sections.append(PICTURES.format(largest=abs(after.tiles - before.tiles).max()))
    return "\n\n".join(filter(None, sections)) + "\n"


def pictures(before: Results, after: Results) -> dict[str, bytes]:
    """The weights of each, on one scale, and their difference as PNG files by name.

    None where the images or the number of classes are others.
    """
    if before.tiles.shape != after.tiles.shape:
        return {}
    tiles = images.diverging(np.concatenate([before.tiles, after.tiles]))
    shown = {
        "before.png": tiles[: len(before.tiles)],
        "after.png": tiles[len(before.tiles) :],
        "difference.png": images.diverging(after.tiles - before.tiles),
    }
    return {
        name: images.png(images.grid(tiles), images.DIVERGING, SCALE)
        for name, tiles in shown.items()
    }


def _identity(before: Results, after: Results) -> str:
    """Whether all results are the same, or at least the weights."""
    changed = [path for path, _, _ in differing(before.outputs, after.outputs)]
    if not changed:
        return "**All results are the same, byte for byte.**"
    if paths.WEIGHTS in changed:
        return ""
    others = ", ".join(f"`{path}`" for path in changed)
    return f"**The weights are the same, byte for byte.** Other results differ: {others}."


def _changes(before: Results, after: Results) -> str:
    params = [(f"`{key}`", old, new) for key, old, new in differing(before.params, after.params)]
    data = [
        (f"`{path}`", old[:7], new[:7]) for path, old, new in differing(before.data, after.data)
    ]
    code = [f"`{path}`" for path, _, _ in differing(before.code, after.code)]
    parts = {
        "params": _table(["param", "before", "after"], params),
        "data": _table(["data, by MD5", "before", "after"], data),
        "code": f"Code: {', '.join(code)}." if code else "",
    }
    same = [what for what, text in parts.items() if not text]
    unchanged = f"The same on both sides: {', '.join(same)}." if same else ""
    return _section("What changed", "\n\n".join(filter(None, [*parts.values(), unchanged])))


def _metrics(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    rows = []
    for key, *values in differing(before, after):
        shown = [x if x == NONE else f"{x:.6g}" for x in values]
        change = NONE if NONE in values else f"{values[1] - values[0]:+.6g}"
        rows.append((f"`{key}`", *shown, change))
    return _section("Metrics", _table(["metric", "before", "after", "change"], rows))


def _by_class(before: pd.DataFrame, after: pd.DataFrame) -> str:
    """The classes that both have, where they differ."""
    both = [name for name in before.index if name in after.index]
    rows = [
        (
            name,
            *(f"{x:.2%} → {y:.2%} ({100 * (y - x):+.2f})" for x, y in zip(old, new, strict=True)),
        )
        for name, old, new in zip(
            both, before.loc[both].values, after.loc[both].values, strict=True
        )
        if (old != new).any()
    ]
    return _section("By class", _table(["class", "recall", "F1"], rows))


def _curves(*curves: "pd.Series[float]") -> str:
    """A chart of the epochs that both trained, if both reported losses."""
    first = np.max([curve.index.min() for curve in curves])
    last = np.min([curve.index.max() for curve in curves])
    if not first < last:  # as where there are none
        return ""
    epochs = np.linspace(first, last, POINTS)
    losses = (np.interp(epochs, curve.index, curve) for curve in curves)
    lines = [f"  line [{', '.join(f'{y:.3f}' for y in line)}]" for line in losses]
    chart = CHART.format(colors=", ".join(COLORS), first=first, last=last, lines="\n".join(lines))
    return _section("Loss", chart)


def differing(
    before: Mapping[Any, Any], after: Mapping[Any, Any]
) -> Iterator[tuple[Any, Any, Any]]:
    """Key, old and new value of what is not the same, NONE where there is no value."""
    for key in {**before, **after}:
        old, new = before.get(key, NONE), after.get(key, NONE)
        if old != new:
            yield key, old, new


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}" if body else ""


def _table(header: list[str], rows: list[tuple[Any, ...]]) -> str:
    align = ["left", *["right"] * (len(header) - 1)]
    table = pd.DataFrame(rows, columns=header)
    return table.to_markdown(index=False, disable_numparse=True, colalign=align) if rows else ""
