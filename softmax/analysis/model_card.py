"""Write the model card: the model, its data, hyperparameters, quality and limits, in Markdown.

Source: Mitchell et al., Model Cards for Model Reporting (2019).
"""

import html
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax.analysis import evaluation
from softmax.core.arrays import Table
from softmax.pipeline import paths
from softmax.pipeline.datasets import FILES, DatasetEntry
from softmax.pipeline.params import ModelParams

SCORES = ("recall", "precision", "f1")
CARD = """\
# softmax-{dataset}

Softmax regression: it maps {size} images to the probabilities of {classes} classes.
It classifies **{accuracy:.2%}** of {total} test images correctly. The cross-entropy is {loss:.4f}.

## Use

`{weights}` contains {parameters} float64 parameters. Its SHA-256 is
`{sha256}`.

    from safetensors.numpy import load_file
    from scipy.special import softmax

    model = load_file("{weights}")
    x = images.reshape(len(images), {features}) / 255  # images: uint8, {shape}
    z = x @ model["weight"].T + model["bias"]
    labels = z.argmax(axis=1)  # 0 is the first class below
    probabilities = softmax(z, axis=1)

## Limits

- The model always names one of its classes. It cannot answer "none of these".
- The model has one weight for each pixel value and class, so it does not recognize an image that
  is moved, rotated, scaled or inverted. Prepare images in the same way as those of {dataset}.
- A probability is an estimate of the model. For the test images, the mean probability of its
  predictions is {confidence:.2%}, and {accuracy:.2%} of the predictions are correct.
{mistake}
## Training

Mini-batch gradient descent with exact sums, which gives the same bytes on every machine.

{params}

## Data

{source}: {training} training images{validation} and {total} test images. SHA-256 of the files:

{files}

## Results by class

{by_class}
"""
MISTAKE = """\
- The most frequent mistake of the model is to classify "{actual}" as "{predicted}": {count} of {of}
  test images.
"""


def literal(text: str) -> str:
    """Return Markdown that shows `text` literally, also in tables, without links, tags or mentions.

    GitHub would link mentions, issues and addresses in the displayed text. A comment splits them.
    """
    escaped = re.sub(r"[\\`*_~|\[\]]", r"\\\g<0>", html.escape(text, quote=False))
    return re.sub(r"[@#:$]|www(?=\.)", r"\g<0><!---->", " ".join(escaped.split()))


def card(
    config: ModelParams, entry: DatasetEntry, sha256: str, metrics: dict[str, Any], table: Table
) -> bytes:
    """Return the model card. `metrics` and `table` come from softmax/analysis/evaluation.py."""
    dataset, (classes, features) = config.download.dataset, entry.size
    names = [*map(literal, entry.classes)]
    validation_set, counts = config.train.validation, evaluation.confusion_matrix(table, classes)
    answers = evaluation.confidence(table)
    by_class = [
        (name, counts[k].sum(), *(f"{metrics[key][k]:.2%}" for key in SCORES))
        for k, name in enumerate(names)
    ]
    return CARD.format(
        **{key: metrics[key] for key in ("accuracy", "total", "loss")},
        dataset=dataset,
        size=" x ".join(map(str, entry.shape)),
        shape=f"(n, {', '.join(map(str, entry.shape))})",
        classes=classes,
        features=features,
        parameters=classes * (features + 1),
        weights=paths.WEIGHTS.name,
        sha256=sha256,
        confidence=math.fsum(answers) / len(answers),
        mistake=_mistake(counts, names),
        training=entry.images[0] - validation_set,
        validation=f", {validation_set} validation images" if validation_set else "",
        source=f"[{dataset}]({entry.homepage})" if entry.homepage else dataset,
        params=_table(["param", "value"], config.train.model_dump().items()),
        files=_table(["file", "SHA-256"], zip(FILES, entry.sha256, strict=True)),
        by_class=_table(["class", "test images", *SCORES], by_class),
    ).encode()


def _mistake(counts: NDArray[np.int64], names: Sequence[str]) -> str:
    """Return a line about the most frequent mistake, the first on ties, or "" without mistakes."""
    mistakes = counts - np.diag(np.diag(counts))
    if not mistakes.any():
        return ""
    actual, predicted = divmod(int(mistakes.argmax()), len(names))
    count, of = mistakes.max(), counts[actual].sum()
    return MISTAKE.format(count=count, of=of, actual=names[actual], predicted=names[predicted])


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
