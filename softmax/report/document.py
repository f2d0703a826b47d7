"""The report: all results as one HTML file, which shows and explains them and asks for nothing.

Its sources lie beside this module: templates, styles, strings, and modules of JavaScript that a
reader's browser finds under "softmax/<name>" in the file itself. The modules read one JSON, with

    dataset     its key in datasets.yaml; name: how it is written
    listed      the classes that have a row in tables and a picture
    data        shape: rows, columns and, if RGB, 3; classes: their names, by label; training and
                test: how many of each class; held_out: how many in all; label and pixels, as
                `packed`, of training images
    result      metrics/test.json
    theta       weights and biases as `model.load`, `doubles` (classes, features + 1), or null
    forming     epochs, from 0, and thetas, as they were after each, of the classes listed, as
                `doubles`; or null
    dark        count of the pixels that are 0 in all training images; total: how many weights
                they have, and kept: how many of these are what they were
    curves      loss: [step, loss], epochs: [step, training loss, training accuracy], held_out:
                [step, loss], empty where no images are held out
    confusion   a row for each class listed, of counts by what its images are called; called: how
                many in all are called so
    images      pieces of the test images, of each cell of the confusion the most confident: index,
                label, prediction, each a list, and pixels, as `packed`; where theta is null also
                a, the probability of the prediction
    samples     evaluate.samples, which are among them; mistakes: the most confident ones
    lesson      points: [255 x1, 255 x2, label]; epochs, learning_rate; start and theta, the first
                and the last weights of softmax regression, (3, 3), and logistic_start, of each
                logistic regression, (2, 3), whose rate is half; sha256 of
                models/lesson.safetensors; loss: after each epoch
    slides      what the lecture gives for its examples: weights, biases, points, a column each,
                and predictions, likewise
    lecture     the results of the lecture's own run, as `beside` gives them, or null

where `packed` and `doubles` are those of embedded.py.
"""

import inspect
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from softmax.core import model
from softmax.core.arrays import FloatArray, Table
from softmax.pipeline.params import Lesson, Train
from softmax.report import english, mathml
from softmax.report.embedded import base64_of
from softmax.training import randomness

FOLDER = Path(__file__).parent
LIMIT = 3_000_000  # bytes of a page


def html(facts: dict[str, Any], **shown: Any) -> bytes:
    """The page: `facts` for its modules, `shown` for its templates alone."""
    said = strings()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([FOLDER / "templates", FOLDER / "styles"]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals |= {"math": mathml.math, "source": source, "zip": zip}
    template = environment.get_template("index.html.j2")
    page = template.render(facts=facts, modules=modules(), strings=said, **shown)
    return english.fill(page, said, facts["data"]["classes"]).encode()


def with_images(page: bytes, images: list[dict[str, Any]]) -> bytes:
    """`page`, made with an empty list of images, as if made with these."""
    none, these = (f'"images": {json.dumps(some, sort_keys=True)}' for some in ([], images))
    return page.replace(none.encode(), these.encode(), 1)


def name(dataset: str) -> str:
    """The data set `dataset` of datasets.yaml as people write it."""
    written = dataset.replace("mnist", "MNIST")
    return written[:1].upper() + written[1:]


def source(name: str) -> str:
    """The lines of the project that compute something: a function of the model, in Python, or of
    the page, whose name is that of its module and its own, in JavaScript.
    """
    if "." not in name:
        return inspect.getsource(getattr(model, name))
    module, function = name.split(".")
    script = (FOLDER / f"scripts/{module}.js").read_text(encoding="utf-8")
    pattern = rf"^export function {function}\(.*?^}}"
    return re.findall(pattern, script, re.MULTILINE | re.DOTALL)[0]


def modules() -> dict[str, str]:
    """An import map: for each module its name and its source as a URL."""
    return {
        f"softmax/{path.stem}": f"data:text/javascript;base64,{base64_of(path.read_bytes())}"
        for path in sorted(FOLDER.glob("scripts/*.js"))
    }


def strings() -> dict[str, dict[str, str]]:
    """Each string of the page in each language, by its key."""
    merged: dict[str, dict[str, str]] = {}
    for path in sorted(FOLDER.glob("strings/*.json")):
        merged |= json.loads(path.read_text(encoding="utf-8"))
    return merged


def curves(losses: Table, epochs: Table) -> dict[str, Any]:
    """Describe the training by metrics/loss.csv and metrics/epochs.csv."""
    validation_set = [name for name in ("step", "validation_loss") if "validation_loss" in epochs]
    return {
        "loss": _rows(losses, "step", "loss"),
        "epochs": _rows(epochs, "step", "train_loss", "train_accuracy"),
        "held_out": _rows(epochs, *validation_set),
    }


def lesson(params: Lesson, theta: FloatArray, points: Table, epochs: Table) -> dict[str, Any]:
    """Describe the 2-D example by its weights and metrics/lesson*; sha256 is left out."""
    classes, features = len(theta), theta.shape[1] - 1
    return {
        "points": _rows(points, "x1", "x2", "label"),
        "epochs": params.epochs,
        "learning_rate": params.learning_rate,
        "start": randomness.initial_weights(features, params.seed, classes).tolist(),
        "logistic_start": randomness.initial_weights(features, params.seed, 2).tolist(),
        "theta": theta.tolist(),
        "loss": [*epochs["train_loss"]],
    }


def examples(table: Table) -> dict[str, dict[str, Any]]:
    """The rows of metrics/lesson_examples.csv by name: formula, and value, a list of rows.

    And off_by, the largest difference from finite differences, None where the value is no
    derivative.
    """
    return {
        name: {
            "formula": formula,
            "value": [[float(x) for x in row.split()] for row in value.split(";")],
            "off_by": float(off_by) if off_by else None,
        }
        for name, formula, value, off_by in _rows(table, *table)
    }


def slides(shown: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what the lecture gives for its examples, of `examples`."""
    given = ("weights", "biases", "points", "predictions")
    return {name: shown[name]["value"] for name in given}


def _rows(table: Table, *names: str) -> list[list[Any]]:
    """Return the rows of these columns, in Python's types."""
    columns = [np.asarray(table[name]).tolist() for name in names]
    return [list(row) for row in zip(*columns, strict=True)]


DATASET = "mnist"
RECIPE = {
    "validation": 0,
    "epochs": 5,
    "batch_size": 64,
    "optimizer": "sgd",
    "learning_rate": 0.001,
    "schedule": "constant",
    "weight_decay": 0.0,
    "averaging": 0.0,
}
ACCURACY = 0.8477
LOSSES = {(1, 100): 2.25, (1, 900): 1.61, (5, 100): 0.97, (5, 900): 0.73}  # by epoch and batch
PROBABILITIES = {  # of the ten classes, by test image
    1802: [0.0267, 0.0132, 0.5298, 0.0149, 0.0329, 0.0156, 0.0746, 0.0624, 0.2032, 0.0266],
    1100: [0.0080, 0.2501, 0.0679, 0.0442, 0.0252, 0.0718, 0.3474, 0.0223, 0.1111, 0.0520],
    217: [0.0730, 0.1227, 0.0503, 0.0537, 0.0617, 0.3343, 0.0968, 0.0161, 0.1646, 0.0268],
}

# Of this recipe with seeds 0 to 63, by `python -m softmax sweep 'train.seed=range(0,64)'`: test
# accuracy, and the least and the largest probability of what each of these models calls the image.
SEEDS = {"count": 64, "mean": 0.8453, "spread": 0.0016, "lowest": 0.8419, "highest": 0.8494}
SEEDS_SAY = {1802: (0.48, 0.60), 1100: (0.90, 0.93), 217: (0.28, 0.38)}


def beside(dataset: str, train: Train, losses: Table) -> dict[str, Any] | None:
    """The lecture's numbers for the page, or None where this is another recipe or data set.

    `losses` is metrics/loss.csv. All is JSON: accuracy, losses as [epoch, batch, lecture's, ours],
    probabilities as [index, ten values, least, largest], and seeds.
    """
    if dataset != DATASET or not RECIPE.items() <= train.model_dump().items():
        return None
    ours = {(epoch, batch): loss for epoch, batch, loss in _rows(losses, "epoch", "batch", "loss")}
    return {
        "accuracy": ACCURACY,
        "losses": [[*at, theirs, ours[at]] for at, theirs in LOSSES.items()],
        "images": [[k, a, *SEEDS_SAY[k]] for k, a in PROBABILITIES.items()],
        "seeds": SEEDS,
    }
