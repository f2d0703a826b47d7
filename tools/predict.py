"""Ask a model about images of one's own. Not a stage of DVC.

python -m tools.predict seven.png photo.jpg            # the model of the workspace
python -m tools.predict photo.jpg --rev my-experiment  # of any commit, branch, tag, experiment
python -m tools.predict photo.jpg --model models:/softmax-mnist@champion
"""

import argparse
from pathlib import Path

from tqdm import tqdm

from softmax.errors import exits_cleanly
from softmax.pipeline import files
from softmax.prediction import answers, explanation, reading
from softmax.prediction.reading import Seen
from softmax.provenance import models
from softmax.provenance.models import Model
from softmax.results import images

PICTURES = Path("report/predict")
MOST = 100  # images that are drawn
SCALE = 8  # screen pixels per pixel


@exits_cleanly
def main() -> None:
    """Read all images, or stop at the first bad one; then draw what the model saw, and print."""
    options = read_arguments()
    model = choose(options)
    found = tqdm(options.files, desc="read", unit="file", disable=None)
    seen = [image for path in found for image in reading.read(path, model.shape)]
    table = answers.table(model.theta, seen, model.classes)
    draw(model, seen[:MOST], explain=options.explain)
    if options.json:
        print(files.to_json(table.to_dict("records")).decode(), end="")
    elif options.csv:
        print(files.to_csv(table).decode(), end="")
    else:
        print(answers.write(table, model.classes))
        print(f"\nmodel     {model.name}\npictures  {PICTURES}/")


def read_arguments() -> argparse.Namespace:
    """The files, and what is asked of which model."""
    parser = argparse.ArgumentParser(prog="tools.predict")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="PNG, JPEG or IDX")
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument("--rev", help="a commit, branch, tag or DVC experiment")
    whose.add_argument("--model", help="models:/softmax-mnist@champion, of MLflow's registry")
    parser.add_argument("--explain", action="store_true", help="draw what each pixel adds, too")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print all answers, for machines")
    form.add_argument("--csv", action="store_true")
    return parser.parse_args()


def choose(options: argparse.Namespace) -> Model:
    """The model that is meant: that of the workspace unless another is named."""
    if options.model:
        from softmax.tracking import registered  # MLflow takes seconds to import

        return registered.load(options.model)
    return models.of_revision(options.rev) if options.rev else models.of_workspace()


def draw(model: Model, seen: list[Seen], *, explain: bool) -> None:
    """Write what the model saw, and to `explain` it, the maps of what the pixels add."""
    pictures = {}
    for n, image in enumerate(seen, 1):
        stem = f"{n}-{Path(image.name).stem}"
        pictures[PICTURES / f"{stem}.png"] = images.png(image.pixels, images.GRAY, SCALE)
        if explain:
            maps = explanation.draw(model.theta, image.pixels, SCALE)
            pictures[PICTURES / f"{stem}-why.png"] = maps
    files.write(pictures, only_in=PICTURES)


if __name__ == "__main__":
    main()
