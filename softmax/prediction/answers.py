"""What a model says of images, as tables for people and for machines."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from tabulate import tabulate

from softmax.core import model
from softmax.core.arrays import FloatArray
from softmax.core.data import Dataset
from softmax.errors import shown
from softmax.prediction.reading import Seen
from softmax.results import evaluation

ROWS = 20
NEXT = 2  # classes after the first


def table(theta: FloatArray, seen: Sequence[Seen], classes: Sequence[str]) -> pd.DataFrame:
    """A row for each image: its name, what was done to it, and what metrics/predictions.csv has."""
    pixels = np.stack([image.pixels.ravel() for image in seen])
    nothing = np.zeros(len(seen), np.uint8)  # the labels, which nobody knows
    z = evaluation.logits(theta, Dataset(pixels, nothing, len(classes)))
    answers = evaluation.predictions(z, model.softmax(z), nothing).drop(columns="label")
    answers.insert(0, "image", [image.name for image in seen])
    answers.insert(1, "seen", [image.done for image in seen])
    answers.insert(2, "class", np.array(classes)[answers["prediction"]])
    return answers


def write(answers: pd.DataFrame, classes: Sequence[str]) -> str:
    """The first rows for people: the class, and those that are likely after it."""
    rows = []
    for row in answers.head(ROWS).to_dict("records"):
        a = [row[f"p{k}"] for k in range(len(classes))]
        likely = sorted(range(len(classes)), key=lambda k: -a[k])[: 1 + NEXT]
        said = [cell for k in likely for cell in (classes[k], f"{a[k]:.4f}")]
        rows.append([shown(row["image"]), row["seen"], *said])
    head = ["image", "seen", "class", "probability", *["next", ""] * NEXT]
    text = tabulate(rows, head[: len(rows[0])], disable_numparse=True)
    left = len(answers) - len(rows)
    return text + (f"\nand {left:,} more, which --csv and --json print" if left else "")
