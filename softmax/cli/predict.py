"""Ask a model about your own images."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from softmax.analysis import images, predictions, trained_models
from softmax.analysis.trained_models import Model
from softmax.data import user_images
from softmax.data.user_images import PreparedImage
from softmax.errors import DataError, shown
from softmax.pipeline import files

FIGURES = Path("report/predict")
MOST = 100  # images that are drawn
SCALE = 8  # screen pixels per pixel
NO_LETTERS = r"[^\w.\[\]-]"  # what not every file system has in names
LONGEST = 40  # letters of an image's name in that of its picture


def run(
    paths: Sequence[Path],
    rev: str | None,
    registered: str | None,
    *,
    explain: bool,
    form: str | None,
) -> None:
    """Read all images, draw what the model saw, print its answers, and name what is left out.

    Ends with exit status 1 if something is left out; DataError if all of it is.
    """
    if registered:
        from softmax.tracking import registry  # MLflow takes seconds to import

        model = registry.load(registered)
    else:
        model = trained_models.of_revision(rev) if rev else trained_models.of_workspace()
    seen, failed = user_images.read(paths, model.entry)
    if not seen:
        none = f"none of {len(failed)} images and files can be read, the first: "
        raise DataError(f"{none if failed[1:] else ''}{failed[0]}")
    for error in failed:
        print(f"error: {shown(error)}", file=sys.stderr)
    if warning := user_images.warn(seen, model.entry):
        print(f"warning: {shown(warning)}", file=sys.stderr)
    classes = model.entry.classes
    table = predictions.table(model.theta, seen, classes)
    draw(model, seen[:MOST], explain=explain)
    if form == "json":
        print(files.to_json(table.to_dict("records")).decode(), end="")
    elif form == "csv":
        print(files.to_csv(table).decode(), end="")
    else:
        print(predictions.write(table, classes))
        print(f"\nmodel     {model.name}\npictures  {FIGURES}/")
    if failed:
        sys.exit(1)


def draw(model: Model, seen: list[PreparedImage], *, explain: bool) -> None:
    """Write what the model saw, and to `explain` it, the maps of what the pixels add."""
    pictures = {}
    for n, image in enumerate(seen, 1):
        stem = f"{n}-{re.sub(NO_LETTERS, '-', Path(image.name).stem)[:LONGEST]}"
        pictures[FIGURES / f"{stem}.png"] = images.png(image.pixels, images.GRAY, SCALE)
        if explain:
            maps = predictions.draw(model.theta, image.pixels, SCALE)
            pictures[FIGURES / f"{stem}-why.png"] = maps
    files.write(pictures, only_in=FIGURES)
