"""Compare two or more models: a report in Markdown, and images."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from softmax.analysis import dataset_changes, images, significance
from softmax.analysis.model_card import literal
from softmax.analysis.trained_models import Results
from softmax.core.arrays import FloatArray
from softmax.pipeline import paths

NONE = "-"  # a missing value in a table

# Both colors are legible on light and dark backgrounds.
CHART = """\
```mermaid
---
config:
  themeVariables:
    xyChart:
      plotColorPalette: "#999999, #1f77b4"
---
xychart-beta
  title "Training loss: before (gray), after (blue)"
  x-axis "epoch" {first:.3g} --> {last:.3g}
  y-axis "cross-entropy"
{lines}
```"""

FIGURES = """\
<details><summary>Weights before, after, and their difference</summary>

Blue is negative, and red is positive. The difference has a separate scale, up to {largest:.3g}.
The images are in the directory compare/.{order}

Before: ![weights](compare/before.png)

After: ![weights](compare/after.png)

Difference: ![weights](compare/difference.png)

</details>"""
ORDER = """\

The classes of both models come first: {}. The others follow: {} (before), {} (after)."""
NUMBERS = ("accuracy", "loss", "points", "p")  # columns of a table of several models
NOTE = """\
Accuracy and loss are measured on the test set. "points" is the difference in accuracy from the
first row, in percentage points, on the images in both test sets. p comes from McNemar's exact test,
with Holm's correction for all tests here. p < {level} counts as significant: more than noise."""
SEEDS = """\
"over seeds" is the mean of this difference over the seeds that both models were trained with,
followed by its {confidence:.0%} confidence interval (paired t-test, without correction)."""


def markdown(before: Results, after: Results, *, charts: bool = True) -> str:
    """Return the comparison as Markdown, with the loss chart and images of weights if `charts`."""
    sections = [
        f"# {before.name} → {after.name}",
        _identity(before, after),
        significance.verdict(before, after),
        significance.over_seeds(before, after),
        _changes(before, after),
        _metrics(before.metrics, after.metrics),
        _by_class(before.classes, after.classes),
    ]
    named = before.dataset()[1] == after.dataset()[1]
    if charts and not (named and np.array_equal(before.tiles, after.tiles)):
        sections.append(_curves(before.losses, after.losses))
        if weights := _weights(before, after):
            lists = [", ".join(map(literal, names)) for names in weights[0]]
            short = [textwrap.shorten(names, 400, placeholder=" ...") or "none" for names in lists]
            order = "" if named else ORDER.format(*short)
            sections.append(FIGURES.format(largest=abs(weights[-1]).max(), order=order))
    return "\n\n".join(filter(None, sections)) + "\n"


def weight_images(before: Results, after: Results) -> dict[str, bytes]:
    """Return PNG files by name: the weights of both models on one scale, and their difference.

    Return {} if the images have different shapes, or if the models have no class in common.
    """
    if not (weights := _weights(before, after)):
        return {}
    _, old, new, difference = weights
    tiles = images.diverging(np.concatenate([old, new]))
    shown = {
        "before.png": tiles[: len(old)],
        "after.png": tiles[len(old) :],
        "difference.png": images.diverging(difference),
    }
    return {
        name: images.png(images.contact_sheet(levels), images.DIVERGING, scale=5)
        for name, levels in shown.items()
    }


def _weights(
    before: Results, after: Results
) -> tuple[list[list[str]], FloatArray, FloatArray, FloatArray] | None:
    """Return lists of class names, and the tiles of `before`, `after` and their difference.

    Lists and tiles begin with the common classes, and end with the classes of only one model. The
    difference covers the common classes. Return None if there are none, or if shapes differ.
    """
    sides, names = (before, after), [side.classes.index for side in (before, after)]
    common = names[0].intersection(names[1], sort=False)
    if before.tiles.shape[1:] != after.tiles.shape[1:] or common.empty:
        return None
    extra = [side.difference(common, sort=False) for side in names]
    old, new = (
        side.tiles[side.classes.index.get_indexer(common.append(others))]
        for side, others in zip(sides, extra, strict=True)
    )
    return [[*common], *map(list, extra)], old, new, new[: len(common)] - old[: len(common)]


def _identity(before: Results, after: Results) -> str:
    """Return a sentence if all results, or at least the weights, are identical, else ""."""
    changed = [path for path, _, _ in differing(before.outputs, after.outputs)]
    if not changed:
        return "**All results are the same, byte for byte.**"
    if paths.WEIGHTS in changed:
        return ""
    others = ", ".join(f"`{path}`" for path in changed)
    return f"**The weights are the same, byte for byte.** Other results differ: {others}."


def _changes(before: Results, after: Results) -> str:
    params = [(f"`{key}`", *values) for key, *values in differing(before.params, after.params)]
    code = [f"`{path}`" for path, _, _ in differing(before.code, after.code)]
    parts = {
        "params": _table(["param", "before", "after"], params),
        "data": _data(before, after),
        "code": f"Code: {', '.join(code)}." if code else "",
    }
    same = [what for what, text in parts.items() if not text]
    unchanged = f"Unchanged: {', '.join(same)}." if same else ""
    return _section("What changed", "\n\n".join(filter(None, [*parts.values(), unchanged])))


def _data(before: Results, after: Results) -> str:
    """Describe changed images, labels and classes, or changed files if images cannot be read."""
    if before.dataset() == after.dataset():
        return ""
    if before.version and after.version:
        return dataset_changes.describe(before.version, after.version)
    changed = [(f"`{path}`", a[:7], b[:7]) for path, a, b in differing(before.data, after.data)]
    files = _table(["data, by MD5", "before", "after"], changed)
    return "\n\n".join(filter(None, [files, _missing(before, after)]))


def _missing(*sides: Results) -> str:
    reasons = dict.fromkeys(side.missing for side in sides if side.missing)
    return "\n\n".join(f"Images are not compared: {reason}" for reason in reasons)


def _metrics(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    rows = []
    for key, *values in differing(before, after):
        shown = [x if x == NONE else f"{x:.6g}" for x in values]
        change = NONE if NONE in values else f"{values[1] - values[0]:+.6g}"
        rows.append((f"`{key}`", *shown, change))
    return _section("Metrics", _table(["metric", "before", "after", "change"], rows))


def _by_class(before: pd.DataFrame, after: pd.DataFrame) -> str:
    """Tabulate recall and F1 of the classes that changed, or that only one model has."""
    old, new = before.align(after, axis="index", join="outer")  # NaN for missing classes
    names = dict.fromkeys([*before.index, *after.index])
    pairs = {name: [*zip(old.loc[name], new.loc[name], strict=True)] for name in names}
    rows = [
        (literal(name), *(_change(x, y) for x, y in scores))
        for name, scores in pairs.items()
        if any(x != y for x, y in scores)
    ]
    return _section("By class", _table(["class", "recall", "F1"], rows))


def _change(old: float, new: float) -> str:
    shown = " → ".join(NONE if np.isnan(x) else f"{x:.2%}" for x in (old, new))
    return shown if np.isnan(old + new) else f"{shown} ({100 * (new - old):+.2f})"


def _curves(*curves: "pd.Series[float]") -> str:
    """Chart the losses in the epochs that both models trained. Return "" if there are none."""
    first = np.max([curve.index.min() for curve in curves])
    last = np.min([curve.index.max() for curve in curves])
    if not first < last:  # also if one is NaN, because a model reported no losses
        return ""
    epochs = np.linspace(first, last, 50)
    losses = (np.interp(epochs, curve.index, curve) for curve in curves)
    lines = [f"  line [{', '.join(f'{y:.3f}' for y in line)}]" for line in losses]
    return _section("Loss", CHART.format(first=first, last=last, lines="\n".join(lines)))


def differing(
    before: Mapping[Any, Any], after: Mapping[Any, Any]
) -> Iterator[tuple[Any, Any, Any]]:
    """Yield key, old value and new value of each difference. NONE replaces a missing value."""
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
    """Return a Markdown table with a row for `base` and a row for each of `heads`, and notes."""
    varied = {key for head in heads for key, _, _ in differing(base.params, head.params)}
    values = [_param(key, base.params[key]) for key in base.params if key in varied]
    rows = [{**_scores(base), "what differs": ", ".join(values)}]
    for head, test in zip(heads, _tests(base, heads), strict=True):
        rows.append({**_scores(head), **test, "what differs": _differences(base, head)})
        if seeds := significance.over_seeds(base, head, brief=True):
            rows[-1]["over seeds"] = seeds
    columns = ["model", *NUMBERS, "verdict", "over seeds", "what differs"]
    table = pd.DataFrame(rows, columns=columns).dropna(axis="columns", how="all")
    table = table.fillna(NONE).replace("", NONE)
    align = ["right" if column in NUMBERS else "left" for column in table]
    sections = [
        f"# {base.name} and {len(heads)} others",
        table.to_markdown(index=False, disable_numparse=True, colalign=align),
        NOTE.format(level=significance.LEVEL),
        SEEDS.format(confidence=1 - significance.LEVEL) if "over seeds" in table else "",
        _missing(base, *heads),
        "A comparison of two models also shows classes, loss curves and weights.",
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def _scores(model: Results) -> dict[str, str]:
    accuracy, loss = (model.metrics[f"test_{key}"] for key in ("accuracy", "loss"))
    return {"model": model.name, "accuracy": f"{accuracy:.2%}", "loss": f"{loss:.4f}"}


def _tests(base: Results, heads: Sequence[Results]) -> Iterator[dict[str, str]]:
    """Yield difference, p-value and verdict for each of `heads`, with Holm's correction."""
    tests = [significance.shared(base, head) for head in heads]
    results = [significance.mcnemar(*test) for test in tests]
    family = [p for (_, _, p), test in zip(results, tests, strict=True) if test[0].size]
    corrected = iter(significance.holm(family))
    for head, test, (fixed, broken, _) in zip(heads, tests, results, strict=True):
        if not (count := len(test[0])):
            yield {"verdict": "no shared test images"}
            continue
        p, total = next(corrected), max(len(base.correct), len(head.correct))
        verdict = significance.meaning(p) if fixed + broken else "no difference"
        yield {
            "points": f"{100 * (fixed - broken) / count:+.2f}",
            "p": significance.p_value(p),
            "verdict": verdict if count == total else f"{verdict}, on {count} shared test images",
        }


def _differences(base: Results, head: Results) -> str:
    """List the params of `head` that differ from `base`, and whether data or code differ."""
    found = [_param(key, value) for key, _, value in differing(base.params, head.params)]
    found += ["data"] * (base.dataset() != head.dataset()) + ["code"] * (base.code != head.code)
    return ", ".join(found)


def _param(key: str, value: object) -> str:
    """Return a param and its value in short form, because table cells should be short."""
    return f"`{key.removeprefix('train.')}={value}`"
