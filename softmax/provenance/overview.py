"""One model and several others as a page of Markdown: which differ from it, beyond noise?"""

from collections.abc import Iterator, Sequence

import pandas as pd

from softmax.provenance import significance
from softmax.provenance.comparison import NONE, differing
from softmax.provenance.reading import Results

COLUMNS = {
    "model": "left",
    "accuracy": "right",
    "loss": "right",
    "points": "right",
    "p": "right",
    "verdict": "left",
    "over seeds": "left",
    "what differs": "left",
}
NOTE = """\
Accuracy and loss are those of the test set. Points, of accuracy, and p are against the first row: p
is of McNemar's exact test on the same images, with Holm's correction for all of these tests; more
than noise is p < {level}."""
SEEDS = """\
Over seeds the recipe is compared with that of the first row, trained with the same seeds; each
interval has {confidence:.0%} confidence of its own (paired t-test)."""
MORE = "Comparing two of them adds classes, loss curves and weights."


def markdown(base: Results, heads: Sequence[Results]) -> str:
    """The page, with a row for `base` and one for each of `heads` in their order."""
    rows = [{**_scores(base), "what differs": _values(base, heads)}]
    for head, test in zip(heads, _tests(base, heads), strict=True):
        rows.append({**_scores(head), **test, "what differs": _differences(base, head)})
        if seeds := significance.over_seeds_briefly(base.by_seed, head.by_seed):
            rows[-1]["over seeds"] = seeds
    table = pd.DataFrame(rows, columns=list(COLUMNS)).dropna(axis="columns", how="all")
    table = table.fillna(NONE).replace("", NONE)
    align = [COLUMNS[str(column)] for column in table]
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
