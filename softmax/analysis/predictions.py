"""Tabulate what a model predicts for images, and what each pixel adds to a logit.

The maps are those of the report, on the same scale (softmax/report/scripts/versus.js).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tabulate import tabulate

from softmax.analysis import evaluation, images
from softmax.core import model
from softmax.core.arithmetic import MAX_PIXEL
from softmax.core.arrays import FloatArray
from softmax.core.batches import Dataset
from softmax.errors import shown

ROWS = 20
NEXT = 2  # classes after the first


def table(
    theta: FloatArray, seen: Sequence[tuple[str, NDArray[np.uint8], str]], classes: Sequence[str]
) -> pd.DataFrame:
    """Return a row for each image: its name, what was done to it, and the model's answer.

    `seen` has the name, the pixels, and what was done; the answer is as in metrics/predictions.csv.
    """
    names, images, done = zip(*seen, strict=True)
    pixels = np.stack([image.ravel() for image in images])
    nothing = np.zeros(len(seen), np.uint8)  # the labels, which nobody knows
    z = evaluation.logits(theta, Dataset(pixels, nothing, len(classes)))
    answers = evaluation.predictions(z, model.softmax(z), nothing).drop(columns="label")
    answers.insert(0, "image", [*names])
    answers.insert(1, "seen", [*done])
    answers.insert(2, "class", np.array(classes)[answers["prediction"]])
    return answers


def write(answers: pd.DataFrame, classes: Sequence[str]) -> str:
    """The first rows for people: the class, and those that are likely after it."""
    rows = []
    for row in answers.head(ROWS).to_dict("records"):
        a = np.array([row[f"p{k}"] for k in range(len(classes))])
        likely = np.argsort(-a, kind="stable")[: 1 + NEXT]
        said = [cell for k in likely for cell in (classes[k], f"{a[k]:.4f}")]
        rows.append([shown(row["image"]), row["seen"], *said])
    head = ["image", "seen", "class", "probability", *["next", ""] * NEXT]
    text = tabulate(rows, head[: len(rows[0])], disable_numparse=True)
    left = len(answers) - len(rows)
    return text + (f"\nand {left:,} more, which --csv and --json print" if left else "")


def contributions(theta: FloatArray, pixels: NDArray[np.uint8]) -> FloatArray:
    """w x of each pixel, and b, for the class that wins, the next one, and the one less the other.

    Each row, (3, features + 1), adds up to a score, the last one to the lead over the next class.
    """
    inputs = np.append(pixels, MAX_PIXEL)
    winner, rival = np.argsort(-(theta @ inputs), kind="stable")[:2]
    rows = np.stack([theta[winner], theta[rival], theta[winner] - theta[rival]])
    return rows * inputs / MAX_PIXEL


def draw(theta: FloatArray, pixels: NDArray[np.uint8], scale: int) -> bytes:
    """Maps of the three beside each other, as PNG; `pixels` are in the model's shape."""
    tiles = images.tiles(contributions(theta, pixels), pixels.shape)
    return images.png(images.contact_sheet(images.diverging(tiles)), images.DIVERGING, scale)
