"""Test the model card: Markdown that describes the model, its data and its mistakes."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.shared import LECTURE
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from softmax.analysis import evaluation, model_card
from softmax.core import model
from softmax.core.arrays import Table
from softmax.pipeline import params
from softmax.pipeline.datasets import DatasetEntry

THETA = np.random.default_rng(0).integers(-(2**28), 2**28, (3, 2 * 4 * 3 + 1)) * 2.0**-30
IMAGES = np.random.default_rng(1).integers(0, 256, (40, 2, 4, 3), np.uint8)
NAMES = ("cat", "a|@b", "t-shirt")
SHA256 = "ab" * 32


def table(labels: Any = None) -> Table:
    """Return the predictions of THETA for IMAGES, which are correct unless `labels` are given."""
    inputs = np.pad(IMAGES.reshape(40, -1).T, ((0, 1), (0, 0)), constant_values=255).astype(float)
    z = model.logits(THETA, inputs)
    found = model.predict(z) if labels is None else np.resize(labels, 40)
    return evaluation.predictions(z, model.softmax(z), found)


def card(answers: Table, **changes: Any) -> str:
    """Return the model card of THETA, with `changes` to the entry of its data set."""
    file = {"md5": "0" * 32, "sha256": "0" * 64, "size": 1}
    files = {field.alias: file for field in DatasetEntry.model_fields.values() if field.alias}
    entry = {"images": (50, 40), "shape": (2, 4, 3), "classes": NAMES, **files, **changes}
    config = params.validate(yaml.safe_load(LECTURE.read_text()), "a test")
    by_class = {key: [0.25, 0.5, 0.75] for key in ("precision", "recall", "f1")}
    scores = {"accuracy": 0.5, "loss": 1 / 3, "total": 40, **by_class}
    dataset = DatasetEntry.model_validate(entry)
    return model_card.card(config, dataset, SHA256, scores, answers).decode()


def test_a_model_card_lists_classes_shape_data_and_weights() -> None:
    text = card(table(), homepage="https://example.org/a")
    assert text.startswith("# softmax-mnist\n\nSoftmax regression: it maps 2 x 4 x 3 images to ")
    assert "`softmax.safetensors` contains 75 float64 parameters" in text
    assert f"`{SHA256}`" in text
    assert "[mnist](https://example.org/a): 50 training images and 40 test images" in text
    assert text.count("0" * 64) == 4
    assert "| learning_rate | 0.001 |" in text
    first, second, third = (line for line in text.splitlines() if line.endswith("% |"))
    assert second.startswith("| a\\|@<!---->b | ")
    assert (first.split()[1], third.split()[1]) == ("cat", "t-shirt")


def test_a_model_card_names_the_most_frequent_mistake() -> None:
    answers = table([0])
    found = np.bincount(answers["prediction"], minlength=3)[2]
    assert 0 < found < 40
    assert f'classify "cat" as "t-shirt": {found} of 40\n  test images' in card(answers)
    assert "mistake" not in card(table())


def test_the_code_in_the_model_card_gives_the_pipelines_predictions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("softmax.safetensors").write_bytes(model.to_bytes(THETA))
    answers = table()
    lines = [line[4:] for line in card(answers).splitlines() if line.startswith("    ")]
    found: dict[str, Any] = {"images": IMAGES}
    exec("\n".join(lines), found)  # noqa: S102 (written by this project)
    assert (found["labels"] == answers["prediction"]).all()
    expected = pd.DataFrame(answers).drop(columns=["label", "prediction"])
    np.testing.assert_allclose(found["probabilities"], expected, rtol=0, atol=2**-40)


@given(st.text("ab1w |@#:/.\\`*_~[]()<>&!$;-", min_size=1, max_size=40))
def test_any_name_is_escaped_in_markdown(name: str) -> None:
    text = f"x{model_card.literal(name)}x"
    page = MarkdownIt().enable("table").parse(f"- {text}\n\n| a |\n| - |\n| {text} |")
    for block in [one.children or [] for one in page if one.type == "inline"][::2]:
        runs = [child.content for child in block if child.type == "text"]
        assert {child.type for child in block} <= {"text", "html_inline"}
        assert "".join("".join(runs).split()) == "".join(f"x{name}x".split())
        assert not any(re.search(r"@\w|#\d|:\w+:|://|www\.|\$\S", run) for run in runs)
