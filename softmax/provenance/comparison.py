"""Two models side by side, as a page of Markdown and as pictures: what changed, beyond noise?"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest, ttest_rel

from softmax.core import model
from softmax.errors import DataError
from softmax.pipeline import files, paths
from softmax.provenance import lock
from softmax.results import images

MODEL = (
    paths.WEIGHTS,
    paths.TRAIN_METRICS,
    paths.TEST_METRICS,
    paths.LOSSES,
    paths.EPOCHS,
    paths.PREDICTIONS,
)
LEVEL = 0.05  # a p-value below it is called more than noise
SEEDS = 3  # with fewer, an interval says nothing
LEAST = 1e-6  # a p-value below it is not written out
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


class Results(NamedTuple):
    """What dvc.lock and the facts say of a model."""

    name: str
    params: dict[str, Any]
    data: lock.Hashes
    test_data: set[str]  # MD5s, whatever the names
    code: lock.Hashes
    outputs: lock.Hashes
    metrics: dict[str, float]
    classes: pd.DataFrame  # recall and f1 of each class
    right: NDArray[np.bool_]  # (n,), whether each test image was classified correctly
    losses: "pd.Series[float]"  # of the reported batches, by epochs passed
    weight: NDArray[np.float64]  # (classes, features)
    by_seed: Mapping[int, float] = MappingProxyType({})  # test accuracies of the same recipe


def facts(stages: lock.Stages) -> list[Path]:
    """The outputs that are read; older models have no lesson."""
    return [*MODEL, *({paths.LESSON_METRICS} & lock.outputs(stages, "lesson").keys())]


def read(name: str, folder: Path) -> Results:
    """The results in `folder`, called `name`; DataError unless they are those of its dvc.lock."""
    stages = lock.load(folder)
    inputs, outputs = (
        {path: md5 for stage in stages for path, md5 in of(stages, stage).items()}
        for of in (lock.inputs, lock.outputs)
    )
    wanted = facts(stages)
    for path in wanted:
        if not (folder / path).exists() or files.md5(folder / path) != outputs.get(path):
            raise DataError(
                f"{name}: {path} is not the one of {lock.PATH}; run `dvc checkout` or `dvc repro`"
            )
    train, test = (_json(folder / path) for path in (paths.TRAIN_METRICS, paths.TEST_METRICS))
    lesson = _json(folder / paths.LESSON_METRICS) if paths.LESSON_METRICS in wanted else {}
    by_class = {key: test.pop(key) for key in ("precision", "recall", "f1")}
    losses, epochs, predictions = (
        pd.read_csv(folder / path) for path in (paths.LOSSES, paths.EPOCHS, paths.PREDICTIONS)
    )
    return Results(
        name=name,
        params=lock.values(stages),
        data=_data(inputs),
        test_data=set(_data(lock.inputs(stages, "evaluate")).values()),
        code=_code(inputs, outputs),
        outputs={path: md5 for path, md5 in outputs.items() if path.parts[0] != "data"},
        metrics=_named("test", test) | train | _named("lesson", lesson),
        classes=pd.DataFrame(by_class)[["recall", "f1"]],
        right=(predictions["label"] == predictions["prediction"]).to_numpy(),
        losses=pd.Series(losses["loss"].array, losses["step"] / epochs["step"][0]),
        weight=model.load(folder / paths.WEIGHTS)[:, :-1],
    )


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def _named(prefix: str, values: Mapping[str, float]) -> dict[str, float]:
    return {f"{prefix}_{key}": value for key, value in values.items()}


def _data(hashes: lock.Hashes) -> lock.Hashes:
    return {path: md5 for path, md5 in hashes.items() if path.parts[0] == "data"}


def _code(inputs: lock.Hashes, outputs: lock.Hashes) -> lock.Hashes:
    """What is written by hand, the sources of the page, too; but not params and pins."""
    others = _data(inputs) | outputs
    return {
        path: md5 for path, md5 in inputs.items() if path not in others and path.suffix != ".yaml"
    }


def markdown(before: Results, after: Results, *, charts: bool = True) -> str:
    """The page, or without `charts` that part of it which needs no more than text."""
    sections = [
        f"# {before.name} → {after.name}",
        _identity(before, after),
        _verdict(before, after),
        _over_seeds(before.by_seed, after.by_seed),
        _changes(before, after),
        _metrics(before.metrics, after.metrics),
        _by_class(before.classes, after.classes),
    ]
    if charts and (before.weight != after.weight).any():
        sections += [
            _curves(before.losses, after.losses),
            PICTURES.format(largest=abs(after.weight - before.weight).max()),
        ]
    return "\n\n".join(filter(None, sections)) + "\n"


def pictures(before: Results, after: Results) -> dict[str, bytes]:
    """The weights of each, on one scale, and their difference as PNG files by name."""
    tiles = images.diverging(np.concatenate([before.weight, after.weight]))
    shown = {
        "before.png": tiles[: len(before.weight)],
        "after.png": tiles[len(before.weight) :],
        "difference.png": images.diverging(after.weight - before.weight),
    }
    return {
        name: images.png(images.grid(tiles), images.DIVERGING, SCALE)
        for name, tiles in shown.items()
    }


def mcnemar(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> tuple[int, int, float]:
    """How many images went from wrong to right and from right to wrong, and the exact p-value.

    If both models were equally good, each image on which they differ would fall to either side
    like a coin. Source: McNemar, Psychometrika 12 (1947); exact, by the binomial distribution.
    """
    fixed, broken = int((after & ~before).sum()), int((before & ~after).sum())
    differ = fixed + broken
    return fixed, broken, binomtest(fixed, differ).pvalue if differ else 1.0


def _identity(before: Results, after: Results) -> str:
    """Whether all results are the same, or at least the weights."""
    differing = [path for path, _, _ in _differing(before.outputs, after.outputs)]
    if not differing:
        return "**All results are the same, byte for byte.**"
    if paths.WEIGHTS in differing:
        return ""
    others = ", ".join(f"`{path}`" for path in differing)
    return f"**The weights are the same, byte for byte.** Other results differ: {others}."


def _verdict(before: Results, after: Results) -> str:
    old, new = before.metrics, after.metrics
    accuracy = f"Test accuracy **{old['test_accuracy']:.2%} → {new['test_accuracy']:.2%}**"
    if before.test_data != after.test_data:
        return (
            f"{accuracy}, but on another test set: {_correct(old)} correct before, "
            f"{_correct(new)} after. So no test can tell progress from noise."
        )
    fixed, broken, p = mcnemar(before.right, after.right)
    if fixed == broken == 0:
        return f"{accuracy}: the same test images are correct, {_correct(new)}."
    shown = f"p < {LEAST:f}" if p < LEAST else f"p = {_decimal(p)}"
    meaning = "more than noise" if p < LEVEL else "could well be noise"
    return (
        f"{accuracy}: **{fixed - broken:+}** images correct, {_correct(new)}.\n\n"
        f"Images fixed: {fixed}, broken: {broken}; **{meaning}** (McNemar's exact test, {shown})."
    )


def _over_seeds(before: Mapping[int, float], after: Mapping[int, float]) -> str:
    """The difference between two recipes over the seeds with which both were trained."""
    seeds = sorted(before.keys() & after.keys())
    if len(seeds) < SEEDS:
        return ""
    old, new = (np.array([side[seed] for seed in seeds]) for side in (before, after))
    spreads = [f"{side.mean():.2%} ± {100 * side.std(ddof=1):.2f}" for side in (old, new)]
    if (old == new).all():
        return f"Over {len(seeds)} seeds the same on both sides: {spreads[0]}."
    low, high = ttest_rel(new, old).confidence_interval(1 - LEVEL)
    meaning = "could well be the seeds" if low <= 0 <= high else "more than the seeds"
    return (
        f"Over the same {len(seeds)} seeds: {spreads[0]} → {spreads[1]}, a difference of "
        f"{100 * (new - old).mean():+.2f} points, {100 * low:+.2f} to {100 * high:+.2f} with "
        f"{1 - LEVEL:.0%} confidence; **{meaning}** (paired t-test)."
    )


def _correct(metrics: Mapping[str, float]) -> str:
    accuracy, total = metrics["test_accuracy"], metrics["test_total"]
    return f"{round(accuracy * total)} of {total}"


def _decimal(value: float) -> str:
    return np.format_float_positional(value, precision=2, fractional=False, trim="-")


def _changes(before: Results, after: Results) -> str:
    params = [(f"`{key}`", old, new) for key, old, new in _differing(before.params, after.params)]
    data = [
        (f"`{path}`", old[:7], new[:7]) for path, old, new in _differing(before.data, after.data)
    ]
    code = [f"`{path}`" for path, _, _ in _differing(before.code, after.code)]
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
    for key, *values in _differing(before, after):
        shown = [x if x == NONE else f"{x:.6g}" for x in values]
        change = NONE if NONE in values else f"{values[1] - values[0]:+.6g}"
        rows.append((f"`{key}`", *shown, change))
    return _section("Metrics", _table(["metric", "before", "after", "change"], rows))


def _by_class(before: pd.DataFrame, after: pd.DataFrame) -> str:
    differ = (before != after).any(axis=1)
    rows = [
        (k, *(f"{x:.2%} → {y:.2%} ({100 * (y - x):+.2f})" for x, y in zip(old, new, strict=True)))
        for k, old, new in zip(
            before.index[differ], before[differ].values, after[differ].values, strict=True
        )
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


def _differing(
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
