"""Make models and data sets to compare, and read the tables of a report."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from softmax.analysis import comparison
from softmax.analysis.dataset_changes import Version
from softmax.analysis.trained_models import Results


def results(**changes: Any) -> Results:
    """Return a model that classifies six of ten images correctly, with `changes`."""
    values = {
        "name": "one",
        "params": {"train.epochs": 2},
        "data": {Path("data/mnist/images"): "0123456789"},
        "test_data": {"0123456789"},
        "code": {Path("softmax/core/model.py"): "aaa"},
        "outputs": {Path("models/softmax.safetensors"): str({**changes, "name": ""})},
        "metrics": {"test_accuracy": 0.6, "test_total": 10},
        "classes": pd.DataFrame({"recall": [0.5, 0.7], "f1": [0.5, 0.6]}, ["cat", "dog"]),
        "correct": np.arange(10) < 6,
        "losses": pd.Series([2.0, 1.0], [0.5, 2.0]),
        "tiles": np.zeros((2, 28, 28)),
    }
    return Results(**values | changes)


def report(**changes: Any) -> str:
    """Return the report that compares this model before and after `changes`."""
    return comparison.markdown(results(), results(**changes))


def version(images: str, labels: str, classes: str = "abc") -> Version:
    """Return a data set with only test images, of one pixel each, whose value is a letter."""
    pixels = np.array([*map(ord, images)], np.uint8).reshape(-1, 1, 1)
    test = pixels, np.array([classes.index(label) for label in labels], int)
    return Version([*classes], (pixels[:0], test[1][:0]), test)


def cells(page: str) -> list[list[str]]:
    """Return the cells of all table rows in `page`, with headers, without separator lines."""
    rows = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows]
