"""Models of which a report is made, as they are read."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from softmax.analysis import comparison
from softmax.analysis.dataset_changes import Version
from softmax.analysis.trained_models import Results


def results(**changes: Any) -> Results:
    """A model that is right about six of ten images, and `changes` to it."""
    values = {
        "name": "one",
        "params": {"train.epochs": 2},
        "data": {Path("data/mnist/images"): "0123456789"},
        "test_data": {"0123456789"},
        "code": {Path("softmax/core/model.py"): "aaa"},
        "outputs": {Path("models/softmax.safetensors"): str({**changes, "name": ""})},
        "metrics": {"test_accuracy": 0.6, "test_total": 10},
        "classes": pd.DataFrame({"recall": [0.5, 0.7], "f1": [0.5, 0.6]}, ["cat", "dog"]),
        "right": np.arange(10) < 6,
        "losses": pd.Series([2.0, 1.0], [0.5, 2.0]),
        "tiles": np.zeros((2, 28, 28)),
    }
    return Results(**values | changes)


def report(**changes: Any) -> str:
    """The report of such a model before and after `changes`."""
    return comparison.markdown(results(), results(**changes))


def version(images: str, labels: str, classes: str = "abc") -> Version:
    """A data set of images of a pixel each, which letters tell apart, all in the test set."""
    pixels = np.array([*map(ord, images)], np.uint8).reshape(-1, 1, 1)
    test = pixels, np.array([classes.index(label) for label in labels], int)
    return Version([*classes], (pixels[:0], test[1][:0]), test)


def cells(page: str) -> list[list[str]]:
    """The cells of each row of the tables of a page, headers and all but the lines below them."""
    rows = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows]
