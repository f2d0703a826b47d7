"""The page: the facts as one HTML file, which shows and explains them and asks for nothing.

Its sources are in page/: templates, styles, strings, and modules of JavaScript that a reader's
browser finds under "softmax/<name>" in the file itself. The modules read one JSON, with

    dataset     which one
    result      metrics/test.json
    theta       weights and biases as `model.load`, doubles (10, 785)
    curves      loss: [step, loss], epochs: [step, training loss, training accuracy]
    confusion   ten rows, by the digit that an image is, of ten counts, by what it is called
    images      test images with a reason to be shown: index, label, prediction, each a list, and
                pixels, 784 for each image, as `runs`
    samples     evaluate.samples; mistakes: the most confident ones; both are values of index
    lesson      points: [255 x1, 255 x2, label]; classes, epochs, learning_rate; start and theta,
                the first and the last weights of softmax regression, doubles (3, 3), and
                logistic_start, of each logistic regression, doubles (2, 3), whose rate is half;
                sha256 of models/lesson.safetensors; loss: after each epoch;
                sums: metrics/lesson.json

where doubles are the bytes of float64, little-endian, row by row, in base64.
"""

import base64
import json
import re
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

FOLDER = Path(__file__).parents[1] / "page"
RIGHT_SHOWN = 40  # images of each digit that are called what they are; mistakes are all there
MISTAKES = 24


def html(facts: dict[str, Any], **shown: Any) -> bytes:
    """The page of `facts` for its modules and of what else its templates show."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    page = environment.get_template("index.html.j2").render(
        facts=facts,
        modules=modules(),
        strings=strings(),
        style=jinja2.utils.markupsafe.Markup((FOLDER / "style.css").read_text(encoding="utf-8")),
        **shown,
    )
    return page.encode()


def modules() -> dict[str, str]:
    """An import map: for each module its name and its source as a URL."""
    return {
        f"softmax/{path.stem}": f"data:text/javascript;base64,{_base64(path.read_bytes())}"
        for path in sorted(FOLDER.glob("*.js"))
    }


def strings() -> dict[str, dict[str, str]]:
    """By its key, each string of the page in each language."""
    merged: dict[str, dict[str, str]] = {}
    for path in sorted(FOLDER.glob("strings/*.json")):
        merged |= json.loads(path.read_text(encoding="utf-8"))
    return merged


def doubles(array: NDArray[np.float64]) -> str:
    """float64 of any shape as the page's modules read them."""
    return _base64(array.astype("<f8").tobytes())


def runs(pixels: NDArray[np.uint8]) -> str:
    """Pixels of any shape in base64, where 0 is followed by how often it comes, at most 255."""
    return _base64(re.sub(rb"\0{1,255}", lambda run: bytes([0, len(run[0])]), pixels.tobytes()))


def confusion(predictions: pd.DataFrame, classes: int) -> NDArray[np.int64]:
    """How many images of each label, a row, are called what, a column: (classes, classes)."""
    cells = predictions["label"] * classes + predictions["prediction"]
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def mistakes(predictions: pd.DataFrame) -> list[int]:
    """The images called something else with the greatest probability, MISTAKES at most."""
    wrong = predictions[predictions["label"] != predictions["prediction"]]
    confidence = wrong.filter(regex=r"^p\d+$").max(axis=1)
    return confidence.sort_values(ascending=False, kind="stable").index[:MISTAKES].tolist()


def chosen(predictions: pd.DataFrame, samples: list[int]) -> list[int]:
    """The images to show: all mistakes, the first RIGHT_SHOWN of each digit, and `samples`."""
    right = predictions["label"] == predictions["prediction"]
    first = predictions[right].groupby("label").head(RIGHT_SHOWN)
    return sorted({*predictions.index[~right], *first.index, *samples})


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
