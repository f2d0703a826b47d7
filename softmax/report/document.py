"""Write the HTML report: one file that shows and explains all results, and needs no server.

Its sources are in this directory: templates, styles, strings, lecture.json (its results), and
modules of JavaScript, which the browser imports as "softmax/<name>" from the file itself. The
modules read one JSON object:

    dataset     its key in datasets.yaml; name: its name in text
    listed      the classes that tables and images show
    data        shape: rows, columns and, if RGB, 3; classes: their names, by label; training and
                test: how many images of each class; held_out: size of the validation set; label
                and pixels, as `packed`, of training images
    result      metrics/test.json
    train       for training in the browser: label and pixels of the first training images, recipe
                (the lecture's hyperparameters), and sha256 of the model that Python trains on them
    theta       weights and biases as `model.load`, `doubles` (classes, features + 1), or null
    forming     epochs, from 0, and thetas after each, of the classes listed, as `doubles`; or null
    dark        count of the pixels that are 0 in all training images; total: how many weights
                they have; kept: how many of these did not change
    curves      loss: [step, loss], epochs: [step, training loss, training accuracy], held_out:
                [step, loss, accuracy], empty without a validation set
    confusion   counts of predictions, a row for each class listed; called: how many images get
                each prediction
    images      test images in pieces, the most confident of each cell of the confusion: index,
                label, prediction, each a list, and pixels, as `packed`; if theta is null also a,
                the probability of the prediction
    samples     evaluate.samples, which are in images; mistakes: the most confident ones
    lesson      points: [255 x1, 255 x2, label]; epochs, learning_rate; start and theta, the first
                and the last weights of softmax regression, (3, 3); logistic_start, those of each
                logistic regression, (2, 3), whose learning rate is half; sha256 of
                models/lesson.safetensors; loss after each epoch
    slides      the lecture's examples: weights, biases, points and predictions, a column each
    lecture     the results of the lecture's own run, as `beside` returns them, or null

embedded.py defines `packed` and `doubles`.
"""

import inspect
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pygments
from markupsafe import Markup
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from softmax.core import model
from softmax.core.arrays import FloatArray, Table
from softmax.pipeline.params import Lesson, Train
from softmax.report import english, mathml
from softmax.report.embedded import base64_of
from softmax.training import randomness

FOLDER = Path(__file__).parent
LIMIT = 3_600_000  # bytes of a page
LECTURE = json.loads((FOLDER / "lecture.json").read_text(encoding="utf-8"))


def html(facts: dict[str, Any], **shown: Any) -> bytes:
    """Return the report: `facts` are for its modules, `shown` only for its templates."""
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
    environment.filters["code"] = highlighted
    template = environment.get_template("index.html.j2")
    font = base64_of((FOLDER / "fonts/formulas.woff2").read_bytes())
    page = template.render(facts=facts, font=font, modules=modules(), strings=said, **shown)
    return english.fill(page, said, facts["data"]["classes"]).encode()


def with_images(page: bytes, images: list[dict[str, Any]]) -> bytes:
    """Return `page`, which was made with an empty list of images, with these images."""
    none, these = (f'"images": {json.dumps(some, sort_keys=True)}' for some in ([], images))
    return page.replace(none.encode(), these.encode(), 1)


def name(dataset: str) -> str:
    """Return the name of a data set of datasets.yaml as written in text."""
    written = dataset.replace("mnist", "MNIST")
    return written[:1].upper() + written[1:]


def source(name: str) -> str:
    """Return the source of a function: of the model in Python, or "module.function" of a script."""
    if "." not in name:
        return inspect.getsource(getattr(model, name))
    module, function = name.split(".")
    script = (FOLDER / f"scripts/{module}.js").read_text(encoding="utf-8")
    pattern = rf"^export function {function}\(.*?^}}"
    return re.findall(pattern, script, re.MULTILINE | re.DOTALL)[0]


def highlighted(code: str, language: str) -> Markup:
    """Return `code` as HTML in which each token has a class of Pygments."""
    html = pygments.highlight(code, get_lexer_by_name(language), HtmlFormatter(nowrap=True))
    return Markup(html.strip())  # noqa: S704 (escaped by Pygments)


def modules() -> dict[str, str]:
    """Return an import map: the source of each module as a URL, by name."""
    return {
        f"softmax/{path.stem}": f"data:text/javascript;base64,{base64_of(path.read_bytes())}"
        for path in sorted(FOLDER.glob("scripts/*.js"))
    }


def strings() -> dict[str, dict[str, str]]:
    """Return each string of the report in each language, by its key."""
    merged: dict[str, dict[str, str]] = {}
    for path in sorted(FOLDER.glob("strings/*.json")):
        merged |= json.loads(path.read_text(encoding="utf-8"))
    return merged


def curves(losses: Table, epochs: Table) -> dict[str, Any]:
    """Describe the training by metrics/loss.csv and metrics/epochs.csv."""
    held_out = ("step", "validation_loss", "validation_accuracy")
    return {
        "loss": _rows(losses, "step", "loss"),
        "epochs": _rows(epochs, "step", "train_loss", "train_accuracy"),
        "held_out": _rows(epochs, *held_out) if "validation_loss" in epochs else [],
    }


def lesson(params: Lesson, theta: FloatArray, points: Table, epochs: Table) -> dict[str, Any]:
    """Describe the 2-D example, without sha256, by its weights and metrics/lesson*."""
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
    """Return formula, value (a list of rows) and off_by of each row of metrics/lesson_examples.csv.

    off_by is the maximum difference from finite differences, None unless it is a derivative.
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
    """Return the lecture's given values, from `examples`."""
    given = ("weights", "biases", "points", "predictions")
    return {name: shown[name]["value"] for name in given}


def _rows(table: Table, *names: str) -> list[list[Any]]:
    """Return the rows of these columns, in Python's types."""
    columns = [np.asarray(table[name]).tolist() for name in names]
    return [list(row) for row in zip(*columns, strict=True)]


def beside(dataset: str, train: Train, losses: Table, theta: FloatArray) -> dict[str, Any] | None:
    """Return lecture.json, or None for different hyperparameters or a different data set.

    It adds ours to its losses, [epoch, batch, lecture's], from `losses` (metrics/loss.csv), and to
    its biases, from `theta`. Its seeds are from `softmax sweep 'train.seed=range(0,64)'`: test
    accuracy, and for each image the minimum and maximum probability of each model's prediction.
    """
    if dataset != LECTURE["dataset"] or not LECTURE["recipe"].items() <= train.model_dump().items():
        return None
    ours = {(epoch, batch): loss for epoch, batch, loss in _rows(losses, "epoch", "batch", "loss")}
    return LECTURE | {
        "losses": [[*at, theirs, ours[*at]] for *at, theirs in LECTURE["losses"]],
        "biases": [*zip(LECTURE["biases"], theta[:, -1].tolist(), strict=True)],
    }
