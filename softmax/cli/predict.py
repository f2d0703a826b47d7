"""Classify a user's images, and draw what each pixel adds to a logit.

The maps are those of the report, on the same scale (softmax/report/scripts/versus.js).
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tabulate import tabulate

from softmax.analysis import evaluation, images, trained_models
from softmax.analysis.model_card import literal
from softmax.analysis.trained_models import Model
from softmax.cli.app import show
from softmax.core import model as core_model
from softmax.core.arithmetic import MAX_PIXEL
from softmax.core.arrays import FloatArray
from softmax.core.batches import Dataset
from softmax.data import user_images
from softmax.data.user_images import PreparedImage
from softmax.errors import DataError, shown
from softmax.pipeline import files

FIGURES = Path("report/predict")
MOST = 100  # images for which figures are drawn
SCALE = 8  # screen pixels per pixel
NO_LETTERS = r"[^\w.\[\]-]"  # not allowed in names on every file system
LONGEST = 40  # characters of an image's name in its file's name
ROWS, LIKELIEST = 20, ("class", "second", "third")  # of a table


def run(
    paths: Sequence[Path], rev: str | None, uri: str | None, *, explain: bool, form: str | None
) -> None:
    """Read all images, draw the prepared images, print predictions, and name unreadable files.

    Exits with status 1 if some images cannot be read; raises DataError if none can.
    """
    if uri:
        from softmax.tracking import registry  # MLflow takes seconds to import

        model = registry.load(uri)
    else:
        model = trained_models.of_revision(rev) if rev else trained_models.of_workspace()
    seen, failed = user_images.read(paths, model.entry)
    if not seen:
        none = f"none of {len(failed)} images and files could be read. The first error: "
        raise DataError(f"{none if failed[1:] else ''}{failed[0]}")
    for error in failed:
        print(f"error: {shown(error)}", file=sys.stderr)
    if warning := user_images.warn(seen, model.entry):
        print(f"warning: {shown(warning)}", file=sys.stderr)
    classes = model.entry.classes
    table = tabulate_answers(model.theta, seen, classes)
    draw(model, seen[:MOST], explain=explain)
    if form == "json":
        print(files.to_json(table.to_dict("records")).decode(), end="")
    elif form == "csv":
        print(table.to_csv(index=False, lineterminator="\n"), end="")
    else:
        show(write(table, classes, "pipe" if sys.stdout.isatty() else "simple"))
        print(f"\nmodel     {model.name}\nimages    {FIGURES}/")
    if failed:
        sys.exit(1)


def draw(model: Model, seen: list[PreparedImage], *, explain: bool) -> None:
    """Write the prepared images and, to `explain` them, maps of what each pixel adds."""
    pictures = {}
    for n, image in enumerate(seen, 1):
        stem = f"{n}-{re.sub(NO_LETTERS, '-', Path(image.name).stem)[:LONGEST]}"
        pictures[FIGURES / f"{stem}.png"] = images.png(image.pixels, images.GRAY, SCALE)
        if explain:
            maps = images.tiles(contributions(model.theta, image.pixels), image.pixels.shape)
            z = model.theta @ np.append(image.pixels, MAX_PIXEL)
            first, second = np.argsort(-z, kind="stable")[:2]
            above = [f"{first}", f"{second}", f"{first}-{second}"]  # beside each other
            sheet = images.contact_sheet(images.diverging(maps), above)
            pictures[FIGURES / f"{stem}-why.png"] = images.png(sheet, images.DIVERGING, SCALE)
    files.write(pictures, only_in=FIGURES)


def tabulate_answers(
    theta: FloatArray, seen: Sequence[PreparedImage], classes: Sequence[str]
) -> pd.DataFrame:
    """Return a row for each image: its name, its preparation, and the prediction."""
    names, levels, done = zip(*seen, strict=True)
    pixels = np.stack([image.ravel() for image in levels])
    nothing = np.zeros(len(seen), np.uint8)  # stands for the unknown labels
    z = evaluation.logits(theta, Dataset(pixels, nothing, len(classes)))
    answers = evaluation.predictions(z, core_model.softmax(z), nothing)
    called = np.array(classes)[answers["prediction"]]
    table = pd.DataFrame({"image": names, "seen": done, "class": called, **answers})
    return table.drop(columns="label")


def write(answers: pd.DataFrame, classes: Sequence[str], form: str) -> str:
    """Return the first rows, with the three likeliest classes, in a format of tabulate's."""
    written = literal if form == "pipe" else str
    rows = []
    for row in answers.head(ROWS).to_dict("records"):
        a = np.array([row[f"p{k}"] for k in range(len(classes))])
        likely = np.argsort(-a, kind="stable")[: len(LIKELIEST)]
        said = [cell for k in likely for cell in (written(classes[k]), f"{a[k]:.4f}")]
        said[0] = f"**{said[0]}**" if form == "pipe" else said[0]
        rows.append([written(shown(row["image"])), row["seen"], *said])
    head = ["image", "seen", *(title for name in LIKELIEST for title in (name, "prob."))]
    text = tabulate(rows, head[: len(rows[0])], form, disable_numparse=True)
    left = len(answers) - len(rows)
    return text + (f"\n\nand {left:,} more (--csv and --json print all)" if left else "")


def contributions(theta: FloatArray, pixels: NDArray[np.uint8]) -> FloatArray:
    """Return w x of each pixel, and b, for the likeliest class, the second, and their difference.

    Each row, (3, features + 1), adds up to a score, the last one to the difference of both scores.
    """
    inputs = np.append(pixels, MAX_PIXEL)
    winner, rival = np.argsort(-(theta @ inputs), kind="stable")[:2]
    rows = np.stack([theta[winner], theta[rival], theta[winner] - theta[rival]])
    return rows * inputs / MAX_PIXEL
