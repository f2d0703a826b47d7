"""Prepare what MLflow shows for a run: tables of classes and mistakes, images, and links to charts.

By default, MLflow opens its view for language models, which has no charts and sorts runs by time.
The links open a different view. Its columns and charts are stored in a tag of the experiment.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont
from PIL.Image import Resampling

from softmax.analysis import evaluation
from softmax.analysis.images import Levels
from softmax.analysis.model_card import literal
from softmax.analysis.trained_models import LECTURE
from softmax.core.arrays import Table

MATRIX = 12  # maximum number of classes for which a note shows the confusion matrix
WORST = 20  # pairs of classes that are shown otherwise
BORDER = (" |", "&emsp;|")  # MLflow puts no space between the cells of a table


def confusion(answers: Table, names: Sequence[str]) -> pd.DataFrame:
    """Return the confusion matrix: a row for each class, a column for each prediction, by name."""
    cells = evaluation.confusion_matrix(answers, len(names))
    return pd.DataFrame(cells, pd.Index(names, name="class"), [*names])


def by_class(counts: pd.DataFrame) -> str:
    """Return recall and precision of each class, from a confusion matrix, as JSON for MLflow."""
    ratios = evaluation.by_class(counts.to_numpy())
    table = {
        "class": counts.index,
        "recall": ratios["recall"],
        "precision": ratios["precision"],
        "correct": np.diag(counts),
        "images": counts.sum(axis=1).to_numpy(),
    }
    return pd.DataFrame(table).to_json(orient="split", index=False, double_precision=4)


def mistakes(counts: pd.DataFrame) -> str:
    """Return the confusion matrix or, for many classes, the most frequent mistakes in Markdown."""
    if len(counts) <= MATRIX:
        matrix = counts.rename(index=literal, columns=literal)
        return str(matrix.to_markdown(disable_numparse=[0]))
    pairs = pd.MultiIndex.from_product([counts.index, counts.columns], names=["class", "predicted"])
    mistaken = (counts - np.diag(np.diag(counts))).to_numpy().ravel()
    worst = pd.Series(mistaken, pairs, name="images").nlargest(WORST).rename(literal).reset_index()
    return str(worst.to_markdown(index=False, disable_numparse=[0, 1]))


LARGEST = 4  # screen pixels per weight
WIDEST = 1200  # screen pixels; a wider image is reduced
CAPTION = 9  # height in weights, which makes 3 x 4 tiles of 28 x 28 nearly a square
LETTER = 0.85  # height relative to the caption, reduced for long names


def contact_sheet(tiles: Levels, names: Sequence[str]) -> Image.Image:
    """Draw tiles, uint8 (classes, rows, columns), as a grid, each below the name of its class."""
    classes, *sides = tiles.shape
    across = math.ceil(math.sqrt(classes * (sides[0] + CAPTION) / sides[1]))
    scale = min(LARGEST, WIDEST / (across * sides[1]))
    scale = math.floor(scale) or scale
    height, width, caption = (math.ceil(length * scale) for length in (*sides, CAPTION))
    size = across * width, math.ceil(classes / across) * (caption + height)
    sheet, method = Image.new("L", size, "white"), Resampling.BOX if scale < 1 else 0
    draw, letters = ImageDraw.Draw(sheet), LETTER * caption
    longest = max(ImageFont.load_default(letters).getlength(name) for name in names)
    font = ImageFont.load_default(max(letters * min(1, 0.95 * width / longest), 1))
    for k, (tile, name) in enumerate(zip(tiles, names, strict=True)):
        left, top = k % across * width, k // across * (caption + height)
        draw.text((left + width // 2, top + caption // 2), name, "black", font, anchor="mm")
        sheet.paste(Image.fromarray(tile).resize((width, height), method), (left, top + caption))
    return sheet


TAG = "mlflow.sharedViewState.comparison"
RUNS = "{}/#/experiments/{}/runs?workflowType=machine_learning"
CHARTS = f"{RUNS}&compareRunsMode=CHART&orderByKey=metrics.%60test_accuracy%60&orderByAsc=false"
TABLE = f"{RUNS}&viewStateShareKey={TAG.rpartition('.')[2]}"
PAGES = {"charts": f"{TABLE}&compareRunsMode=CHART", "table": TABLE}
METRICS = ("test_accuracy", "validation_accuracy", "train_loss")
ERROR = "test_error_percent"
SHOWN = 4  # params that fit in a chart
SECTIONS = ("Comparison", "Model metrics")  # of the charts; the second section is folded


def table(runs: Iterable[Mapping[str, str]]) -> str:
    """Return the value of TAG for runs with these params: columns and charts of what varies."""
    counts = pd.DataFrame(list(runs)).nunique()
    varied = [key for key in (f"train.{name}" for name in LECTURE) if counts.get(key, 0) > 1]
    test, validation, loss = (f"metrics.`{key}`" for key in METRICS)
    name, params = "attributes.`Run Name`", [f"params.`{key}`" for key in varied]
    x, y = {"key": "train.learning_rate", "type": "PARAM"}, {"key": METRICS[0], "type": "METRIC"}
    charts: dict[str, dict[str, Any]] = {
        "PARALLEL": {"selectedParams": varied[:SHOWN], "selectedMetrics": METRICS[:1]},
        "SCATTER": {"xaxis": x, "yaxis": y},
        "BAR": {"metricKey": ERROR},
        "DIFFERENCE": {"compareGroups": ["Parameters"], "showDifferencesOnly": True},
    }
    common = {"metricSectionId": SECTIONS[0], "showAllRuns": True}
    view: dict[str, Any] = {"orderByKey": test, "orderByAsc": False, "runsHiddenMode": "SHOW_ALL"}
    view |= {"columnWidths": {name: 330}, "selectedColumns": [test, validation, loss, *params]}
    view["columnOrder"] = [name, test, validation, *params, loss]
    view["compareRunCharts"] = [{"type": k, "uuid": k} | common | v for k, v in charts.items()]
    view["compareRunSections"] = [
        {"uuid": one, "name": one, "columns": 2, "display": one == SECTIONS[0]} for one in SECTIONS
    ]
    return json.dumps(view)
