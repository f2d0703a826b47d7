"""Write the HTML report: one file that shows and explains all results, and needs no server.

The sources are in this directory: templates, styles, strings, the lecture's results (lecture.json),
and JavaScript modules, which the browser imports from the file itself as "softmax/<name>". The
modules read one JSON object:

    dataset     key of the data set in datasets.yaml; name: its name in text
    listed      the classes that tables and images show
    data        shape: rows, columns and, if RGB, 3; classes: names by label; training and test:
                number of images in each class; validation: size of the validation set; label and
                pixels (`packed`) of some training images
    result      metrics/test.json
    train       for training in the browser: label and pixels of the first training images, the
                lecture's hyperparameters, and sha256 of the model that Python trains on them
    theta       weights and biases (classes, features + 1) as `doubles`, or null if they do not fit
    forming     epochs, from 0, and thetas after these epochs, of the listed classes, as `doubles`;
                or null if they do not fit
    dark        count: pixels that are 0 in all training images; total: weights of these pixels;
                kept: how many of these weights training did not change
    curves      loss: [step, loss]; epochs: [step, training loss, training accuracy]; validation:
                [step, loss, accuracy] of the validation set, empty without one
    confusion   number of images by listed class and prediction; predicted: number by prediction
    images      a list of pieces: the test images with the most confident predictions of each cell
                of the confusion matrix. Each piece contains the lists index, label and prediction,
                the pixels (`packed`) and, if theta is null, a: the probabilities of predictions
    samples     evaluate.samples, which `images` contains; mistakes: the most confident mistakes
    lesson      points: [255 x1, 255 x2, label]; epochs, learning_rate; start, theta: initial and
                final weights of softmax regression (3, 3); logistic_start: initial weights (2, 3)
                of each logistic regression, whose learning rate is half; sha256 of
                models/lesson.safetensors; loss after each epoch
    slides      the lecture's examples: weights, biases, points and predictions, one per column
    lecture     the results of the lecture's own run, as `lecture_results` returns them, or null

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

DIRECTORY = Path(__file__).parent
LIMIT = 3_600_000  # bytes of the report
LECTURE = json.loads((DIRECTORY / "lecture.json").read_text(encoding="utf-8"))


def html(results: dict[str, Any], **shown: Any) -> bytes:
    """Return the report. Modules and templates read `results`; only templates read `shown`."""
    texts = strings()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([DIRECTORY / "templates", DIRECTORY / "styles"]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals |= {"math": mathml.math, "source": source, "zip": zip}
    environment.filters["code"] = highlighted
    template = environment.get_template("index.html.j2")
    font = base64_of((DIRECTORY / "fonts/formulas.woff2").read_bytes())
    page = template.render(results=results, font=font, modules=modules(), strings=texts, **shown)
    return english.fill(page, texts, results["data"]["classes"]).encode()


def with_images(page: bytes, images: list[dict[str, Any]]) -> bytes:
    """Return `page`, which contains an empty list of images, with `images` in it."""
    none, these = (f'"images": {json.dumps(some, sort_keys=True)}' for some in ([], images))
    return page.replace(none.encode(), these.encode(), 1)


def name(dataset: str) -> str:
    """Return the name of a data set of datasets.yaml as it is written in text."""
    text = dataset.replace("mnist", "MNIST")
    return text[:1].upper() + text[1:]


def source(name: str) -> str:
    """Return the source of a function of softmax/core/model.py or, with a dot, of scripts/."""
    if "." not in name:
        return inspect.getsource(getattr(model, name))
    module, function = name.split(".")
    script = (DIRECTORY / f"scripts/{module}.js").read_text(encoding="utf-8")
    pattern = rf"^export function {function}\(.*?^}}"
    return re.findall(pattern, script, re.MULTILINE | re.DOTALL)[0]


def highlighted(code: str, language: str) -> Markup:
    """Return `code` as HTML with the token classes of Pygments."""
    html = pygments.highlight(code, get_lexer_by_name(language), HtmlFormatter(nowrap=True))
    return Markup(html.strip())  # noqa: S704 (escaped by Pygments)


def modules() -> dict[str, str]:
    """Return an import map: the name of each JavaScript module, and its source as a data URL."""
    return {
        f"softmax/{path.stem}": f"data:text/javascript;base64,{base64_of(path.read_bytes())}"
        for path in sorted(DIRECTORY.glob("scripts/*.js"))
    }


def strings() -> dict[str, dict[str, str]]:
    """Return the strings of the report, by key and language."""
    merged: dict[str, dict[str, str]] = {}
    for path in sorted(DIRECTORY.glob("strings/*.json")):
        merged |= json.loads(path.read_text(encoding="utf-8"))
    return merged


def curves(losses: Table, epochs: Table) -> dict[str, Any]:
    """Return `curves` of the JSON object, from metrics/loss.csv and metrics/epochs.csv."""
    columns = ("step", "validation_loss", "validation_accuracy")
    return {
        "loss": _rows(losses, "step", "loss"),
        "epochs": _rows(epochs, "step", "train_loss", "train_accuracy"),
        "validation": _rows(epochs, *columns) if "validation_loss" in epochs else [],
    }


def lesson(params: Lesson, theta: FloatArray, points: Table, epochs: Table) -> dict[str, Any]:
    """Return `lesson` of the JSON object, except sha256."""
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

    off_by is the maximum difference between a derivative and finite differences, otherwise None.
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
    """Return `slides` of the JSON object, from the result of `examples`."""
    return {key: shown[key]["value"] for key in ("weights", "biases", "points", "predictions")}


def _rows(table: Table, *names: str) -> list[list[Any]]:
    """Return the rows of these columns, with Python's types."""
    columns = [np.asarray(table[name]).tolist() for name in names]
    return [list(row) for row in zip(*columns, strict=True)]


def lecture_results(
    dataset: str, train: Train, losses: Table, theta: FloatArray
) -> dict[str, Any] | None:
    """Return lecture.json, or None for different hyperparameters or a different data set.

    Our losses (metrics/loss.csv) and biases (theta) are added beside the lecture's. The values over
    seeds in lecture.json are from `softmax sweep 'train.seed=range(0,64)'`: test accuracy, and the
    minimum and maximum probability of each model's prediction for an image.
    """
    same = LECTURE["hyperparameters"].items() <= train.model_dump().items()
    if dataset != LECTURE["dataset"] or not same:
        return None
    ours = {(epoch, batch): loss for epoch, batch, loss in _rows(losses, "epoch", "batch", "loss")}
    return LECTURE | {
        "losses": [[*at, theirs, ours[*at]] for *at, theirs in LECTURE["losses"]],
        "biases": [*zip(LECTURE["biases"], theta[:, -1].tolist(), strict=True)],
    }
