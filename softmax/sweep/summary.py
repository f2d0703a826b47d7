"""What a person reads at the end of a sweep."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from tabulate import tabulate

from softmax.sweep import ranking
from softmax.sweep.ranking import LOSS, SEED, TEST, VALIDATION, Result

ROWS = 20
DIGITS = 12  # of a hash
FORMATS = {
    LOSS: "{:.4f}",
    **dict.fromkeys((VALIDATION, TEST, "mean", "std", "min", "max"), "{:.2%}"),
}
NO_MODEL = "No setting gave a model."
NO_JUDGE = (
    "None is called best: no images were held out to choose by, and the test set must not choose. "
    "Add train.validation=10000."
)


def write(results: Sequence[Result]) -> str:
    """The ranking, what the seeds make of it, and how to have the best."""
    table, keys = ranking.rank(results), ranking.varied(results)
    metrics = [metric for metric in (VALIDATION, TEST) if metric in table]
    columns = [*keys, *metrics, LOSS, ranking.WEIGHTS, ranking.FAILURE]
    parts = [_tabulated(table[[name for name in columns if name in table]])]
    if len(table) > ROWS:
        parts.append(f"and {len(table) - ROWS} more, which --json prints")
    if SEED in keys:
        for metric in metrics:
            spread = ranking.over_seeds(table, keys, metric)
            parts.append(f"{_title(metric)} accuracy over seeds\n{_tabulated(spread)}")
    best = ranking.best(results)
    parts.append(
        f"Best by held-out images, with weights {best.row()[ranking.WEIGHTS][:DIGITS]}...\n"
        f"To have it here: dvc exp run {best.setting.options()}"
        if best
        else (NO_JUDGE if metrics else NO_MODEL)
    )
    return "\n\n".join(parts)


def _tabulated(table: pd.DataFrame) -> str:
    rows = [
        [_written(str(name), value) for name, value in row.items()]
        for row in table.head(ROWS).to_dict("records")
    ]
    return tabulate(rows, [_title(str(name)) for name in table], disable_numparse=True)


def _title(column: str) -> str:
    return column.removeprefix("train.").removesuffix("_accuracy").replace("_", " ")


def _written(column: str, value: Any) -> str:
    """Accuracies in percent, of hashes the first digits, of a failure the first clause."""
    if pd.isna(value):
        return "-"
    if isinstance(value, str):
        return value[:DIGITS] if column == ranking.WEIGHTS else value.partition(",")[0]
    return FORMATS.get(column, "{}").format(value)
