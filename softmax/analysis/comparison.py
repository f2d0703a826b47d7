"""Compare two models, or one with several others, as a Markdown report and as images."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from softmax.analysis import images, significance
from softmax.analysis.trained_models import Results
from softmax.pipeline import paths

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

FIGURES = """\
<details><summary>Weights before, after, and their difference</summary>

Blue is below zero, red above. The difference has a scale of its own, up to {largest:.3g}.
The pictures are files in the folder compare beside this page.

Before: ![weights](compare/before.png)

After: ![weights](compare/after.png)

Difference: ![weights](compare/difference.png)

</details>"""
NUMBERS = ("accuracy", "loss", "points", "p")  # the columns of a table of several models,
COLUMNS = ("model", *NUMBERS, "verdict", "over seeds", "what differs")  # and all of them
NOTE = """\
Accuracy and loss are those of the test set. Points, of accuracy, and p are against the first row: p
is of McNemar's exact test on the same images, with Holm's correction for all of these tests; more
than noise is p < {level}."""
SEEDS = """\
Over seeds the recipe is compared with that of the first row, trained with the same seeds; each
interval has {confidence:.0%} confidence of its own (paired t-test)."""
MORE = "Comparing two of them adds classes, loss curves and weights."


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
            sections.append(FIGURES.format(largest=abs(after.tiles - before.tiles).max()))
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
        name: images.png(images.contact_sheet(levels), images.DIVERGING, SCALE)
        for name, levels in shown.items()
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
    params = [(f"`{key}`", *values) for key, *values in differing(before.params, after.params)]
    data = [(f"`{path}`", a[:7], b[:7]) for path, a, b in differing(before.data, after.data)]
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
    rows = []
    for name in before.index.intersection(after.index, sort=False):
        old, new = before.loc[name], after.loc[name]
        if (old != new).any():
            pairs = zip(old, new, strict=True)
            rows.append((name, *(f"{x:.2%} → {y:.2%} ({100 * (y - x):+.2f})" for x, y in pairs)))
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


def overview(base: Results, heads: Sequence[Results]) -> str:
    """The page, with a row for `base` and one for each of `heads` in their order."""
    rows = [{**_scores(base), "what differs": _values(base, heads)}]
    for head, test in zip(heads, _tests(base, heads), strict=True):
        rows.append({**_scores(head), **test, "what differs": _differences(base, head)})
        if seeds := significance.over_seeds(base.by_seed, head.by_seed, brief=True):
            rows[-1]["over seeds"] = seeds
    table = pd.DataFrame(rows, columns=COLUMNS).dropna(axis="columns", how="all")
    table = table.fillna(NONE).replace("", NONE)
    align = ["right" if column in NUMBERS else "left" for column in table]
    sections = [
        f"# {base.name} and {len(heads)} others",
        table.to_markdown(index=False, disable_numparse=True, colalign=align),
        NOTE.format(level=significance.LEVEL),
        SEEDS.format(confidence=1 - significance.LEVEL) if "over seeds" in table else "",
        MORE,
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def _scores(model: Results) -> dict[str, str]:
    accuracy, loss = (model.metrics[f"test_{key}"] for key in ("accuracy", "loss"))
    return {"model": model.name, "accuracy": f"{accuracy:.2%}", "loss": f"{loss:.4f}"}


def _tests(base: Results, heads: Sequence[Results]) -> Iterator[dict[str, str]]:
    """Difference, p-value and verdict for each of `heads`, whose tests are of one family."""
    family = {
        k: significance.mcnemar(base.right, head.right)
        for k, head in enumerate(heads)
        if base.test_data == head.test_data
    }
    p_values = significance.holm([p for _, _, p in family.values()])
    corrected = dict(zip(family, p_values, strict=True))
    for k in range(len(heads)):
        if k not in family:
            yield {"verdict": "another test set"}
            continue
        fixed, broken, _ = family[k]
        yield {
            "points": f"{100 * (fixed - broken) / len(base.right):+.2f}",
            "p": significance.p_value(corrected[k]),
            "verdict": significance.meaning(corrected[k]) if fixed + broken else "the same images",
        }


def _values(base: Results, heads: Sequence[Results]) -> str:
    """The params of `base` that one of `heads` has otherwise."""
    varied = {key for head in heads for key, _, _ in differing(base.params, head.params)}
    return ", ".join(_setting(key, base.params[key]) for key in base.params if key in varied)


def _differences(base: Results, head: Results) -> str:
    """What `head` has otherwise than `base`: params by value, data and code."""
    found = [_setting(key, value) for key, _, value in differing(base.params, head.params)]
    found += ["data"] * (base.data != head.data) + ["code"] * (base.code != head.code)
    return ", ".join(found)


def _setting(key: str, value: object) -> str:
    """In few letters, as tables have little room."""
    return f"`{key.removeprefix('train.')}={value}`"
