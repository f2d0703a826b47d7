"""Ask a model about your own images."""

from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from softmax.analysis import images, predictions, trained_models, user_images
from softmax.analysis.trained_models import Model
from softmax.analysis.user_images import PreparedImage
from softmax.pipeline import files

FIGURES = Path("report/predict")
MOST = 100  # images that are drawn
SCALE = 8  # screen pixels per pixel


def run(
    paths: Sequence[Path],
    rev: str | None,
    registered: str | None,
    *,
    explain: bool,
    form: str | None,
) -> None:
    """Read all images, or stop at the first bad one; then draw what the model saw, and print."""
    if registered:
        from softmax.tracking import registry  # MLflow takes seconds to import

        model = registry.load(registered)
    else:
        model = trained_models.of_revision(rev) if rev else trained_models.of_workspace()
    found = tqdm(paths, desc="read", unit="file", disable=None)
    seen = [image for path in found for image in user_images.read(path, model.shape)]
    table = predictions.table(model.theta, seen, model.classes)
    draw(model, seen[:MOST], explain=explain)
    if form == "json":
        print(files.to_json(table.to_dict("records")).decode(), end="")
    elif form == "csv":
        print(files.to_csv(table).decode(), end="")
    else:
        print(predictions.write(table, model.classes))
        print(f"\nmodel     {model.name}\npictures  {FIGURES}/")


def draw(model: Model, seen: list[PreparedImage], *, explain: bool) -> None:
    """Write what the model saw, and to `explain` it, the maps of what the pixels add."""
    pictures = {}
    for n, image in enumerate(seen, 1):
        stem = f"{n}-{Path(image.name).stem}"
        pictures[FIGURES / f"{stem}.png"] = images.png(image.pixels, images.GRAY, SCALE)
        if explain:
            maps = predictions.draw(model.theta, image.pixels, SCALE)
            pictures[FIGURES / f"{stem}-why.png"] = maps
    files.write(pictures, only_in=FIGURES)
