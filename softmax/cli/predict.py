"""Classify a user's images, and draw what each pixel contributes to a score.

The maps equal those of the report (softmax/report/scripts/versus.js), including their scale.
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
MAX_FIGURES = 100  # images that are drawn
SCALE = 8  # pixels of the PNG per pixel of the image
UNSAFE = r"[^\w.\[\]-]"  # characters that some file systems do not allow in names
MAX_NAME = 40  # characters of an image's name in the name of its figure
ROWS, RANKS = 20, ("class", "second", "third")  # of the printed table


def run(
    paths: Sequence[Path], rev: str | None, uri: str | None, *, explain: bool, form: str | None
) -> None:
    """Classify all images, draw them as prepared, and print predictions and unreadable files.

    Exit with status 1 if some images cannot be read. Raise DataError if none can.
    """
    if uri:
        from softmax.tracking import registry  # MLflow takes seconds to import

        model = registry.load(uri)
    else:
        model = trained_models.of_revision(rev) if rev else trained_models.of_workspace()
    prepared, failed = user_images.read(paths, model.entry)
    if not prepared:
        none = f"none of {len(failed)} images and files could be read. The first error: "
        raise DataError(f"{none if failed[1:] else ''}{failed[0]}")
    for error in failed:
        print(f"error: {shown(error)}", file=sys.stderr)
    if warning := user_images.warn(prepared, model.entry):
        print(f"warning: {shown(warning)}", file=sys.stderr)
    classes = model.entry.classes
    table = predictions(model.theta, prepared, classes)
    draw(model, prepared[:MAX_FIGURES], explain=explain)
    if form == "json":
        print(files.to_json(table.to_dict("records")).decode(), end="")
    elif form == "csv":
        print(table.to_csv(index=False, lineterminator="\n"), end="")
    else:
        show(write(table, classes, "pipe" if sys.stdout.isatty() else "simple"))
        print(f"\nmodel     {model.name}\nimages    {FIGURES}/")
    if failed:
        sys.exit(1)


def draw(model: Model, prepared: list[PreparedImage], *, explain: bool) -> None:
    """Write the prepared images and, to `explain` them, maps of each pixel's contribution."""
    figures = {}
    for n, image in enumerate(prepared, 1):
        stem = f"{n}-{re.sub(UNSAFE, '-', Path(image.name).stem)[:MAX_NAME]}"
        figures[FIGURES / f"{stem}.png"] = images.png(image.pixels, images.GRAY, SCALE)
        if explain:
            rows, titles = contributions(model.theta, image.pixels)
            maps = images.tiles(rows, image.pixels.shape)
            sheet = images.contact_sheet(images.diverging(maps), titles)
            figures[FIGURES / f"{stem}-why.png"] = images.png(sheet, images.DIVERGING, SCALE)
    files.write(figures, only_in=FIGURES)


def predictions(
    theta: FloatArray, prepared: Sequence[PreparedImage], classes: Sequence[str]
) -> pd.DataFrame:
    """Return a row for each image: image, preparation, class, prediction, p0, p1, ..."""
    names, levels, preparations = zip(*prepared, strict=True)
    pixels = np.stack([image.ravel() for image in levels])
    labels = np.zeros(len(prepared), np.uint8)  # a placeholder, because they are unknown
    z = evaluation.logits(theta, Dataset(pixels, labels, len(classes)))
    columns = evaluation.predictions(z, core_model.softmax(z), labels)
    predicted = np.array(classes)[columns["prediction"]]
    given = {"image": names, "preparation": preparations, "class": predicted}
    return pd.DataFrame({**given, **columns}).drop(columns="label")


def write(table: pd.DataFrame, classes: Sequence[str], form: str) -> str:
    """Return the first rows, with the three likeliest classes, in tabulate's format `form`."""
    text = literal if form == "pipe" else str
    rows = []
    for row in table.head(ROWS).to_dict("records"):
        a = np.array([row[f"p{k}"] for k in range(len(classes))])
        likeliest = np.argsort(-a, kind="stable")[: len(RANKS)]
        cells = [cell for k in likeliest for cell in (text(classes[k]), f"{a[k]:.4f}")]
        cells[0] = f"**{cells[0]}**" if form == "pipe" else cells[0]
        rows.append([text(shown(row["image"])), row["preparation"], *cells])
    head = ["image", "preparation", *(title for name in RANKS for title in (name, "prob."))]
    lines = tabulate(rows, head[: len(rows[0])], form, disable_numparse=True)
    left = len(table) - len(rows)
    return lines + (f"\n\nand {left:,} more (--csv and --json print all)" if left else "")


def contributions(theta: FloatArray, pixels: NDArray[np.uint8]) -> tuple[FloatArray, list[str]]:
    """Return w x of each pixel, and b, as float64 (3, features + 1), and titles of the rows.

    The rows are the likeliest class k, the second class j, and their difference, k-j. Each row adds
    up to the score of its class, and the last row to the difference of the scores.
    """
    inputs = np.append(pixels, MAX_PIXEL)
    k, j = np.argsort(-(theta @ inputs), kind="stable")[:2]
    rows = np.stack([theta[k], theta[j], theta[k] - theta[j]])
    return rows * inputs / MAX_PIXEL, [f"{k}", f"{j}", f"{k}-{j}"]
