"""The links at which MLflow shows the rows: charts, and a table whose columns are what differs.

MLflow opens in its view for language models, without a chart, the newest run first, unless the
address says otherwise. Columns it takes from a view that is shared, which it keeps as a tag.
"""

import json
from collections.abc import Iterable, Mapping

TAG = "mlflow.sharedViewState.comparison"
RUNS = "{}/#/experiments/{}/runs?workflowType=machine_learning"
CHARTS = f"{RUNS}&compareRunsMode=CHART&orderByKey=metrics.%60test_accuracy%60&orderByAsc=false"
TABLE = f"{RUNS}&viewStateShareKey={TAG.rpartition('.')[2]}"
METRICS = ("test_accuracy", "validation_accuracy", "train_loss")


def table(rows: Iterable[Mapping[str, str]]) -> str:
    """The value of TAG for rows with these params: a column for each that differs."""
    values: dict[str, set[str]] = {}
    for row in rows:
        for key, value in row.items():
            values.setdefault(key, set()).add(value)
    varied = sorted(key for key, found in values.items() if len(found) > 1)
    columns = [f"metrics.`{key}`" for key in METRICS] + [f"params.`{key}`" for key in varied]
    by = {"orderByKey": f"metrics.`{METRICS[0]}`", "orderByAsc": False}
    return json.dumps({**by, "selectedColumns": columns})


def links(address: str, experiment_id: str) -> str:
    """What a person is to open."""
    pages = {"charts": CHARTS, "table": TABLE}
    return "\n".join(f"{name:8}{at.format(address, experiment_id)}" for name, at in pages.items())
