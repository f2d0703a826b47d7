"""The page of images of any shape and number of classes, gray or RGB."""

import base64
import json
import math
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from clones import Clone
from numpy.typing import NDArray
from page.opened import opened, rgba
from playwright.sync_api import Browser, Locator, expect

from softmax.core.data import Dataset
from softmax.page import images, report, weights
from softmax.pipeline import params, paths

Shape = tuple[int, ...]
PageOf = Callable[[Shape, list[str]], Path]


@pytest.fixture
def page_of(pipeline: Clone, tmp_path: Path) -> PageOf:
    """Writes a page of random images and a random model; all else is that of the pipeline."""

    def write(shape: Shape, names: list[str]) -> Path:
        page = report.html(
            facts_of(pipeline.folder / paths.REPORT)
            | {"dataset": "mine", "name": "Mine", "lecture": None}
            | random_facts(shape, names),
            train=params.load(pipeline.folder / params.PATH).train,
            sha256={},
            examples=report.examples(pd.read_csv(pipeline.folder / paths.LESSON_EXAMPLES)),
        )
        (tmp_path / "index.html").write_bytes(page)
        return tmp_path / "index.html"

    return write


@pytest.mark.parametrize(
    ("shape", "classes", "said"),
    [
        ((6, 5), 3, "6\u00a0\u00d7\u00a05 gray pixels"),
        ((32, 32), 2, "1,024 features"),
        ((20, 30), 10, "600 features"),
        ((28, 28), 47, "in 47 classes"),
        ((32, 32, 3), 10, "32\u00a0\u00d7\u00a032 pixels of three numbers each"),
        ((64, 80, 3), 4, "15,360 features"),
    ],
    ids=str,
)
def test_images_of_other_shapes_and_classes_have_a_page(
    browser: Browser, page_of: PageOf, shape: Shape, classes: int, said: str
) -> None:
    """With a pad where images are 28 x 28 and gray, as it makes them, and all names."""
    names, pads = [f"thing {k}" for k in range(classes)], int(shape == (28, 28))
    for page in opened(browser, page_of(shape, names)):
        expect(page.locator("#drawing")).to_have_count(pads)
        expect(page.get_by_role("link", name="Draw")).to_have_count(pads)
        assert said in page.locator("#data p").first.inner_text()
        for place in ("#data tbody th", "#confusion tbody th", "[data-weights=gray] figcaption"):
            assert page.locator(place).all_inner_texts() == names
        page.locator("#samples button").click()
        rows, columns = shape[:2]
        size = "({ width, height }) => [width, height]"
        assert page.locator("#explained-image").evaluate(size) == [columns, rows]
        assert page.locator("#versus canvas").last.evaluate(size) == [columns, rows]
        for place in ("#explained-scores tr", "#contributions figure", "#versus-rivals button"):
            expect(page.locator(place)).to_have_count(min(classes, 10))
        expect(page.locator("#explained-scores .right")).to_contain_text(f"thing {4 % classes}")


def test_colours_are_those_of_the_image_and_weights_lie_side_by_side(
    browser: Browser, page_of: PageOf
) -> None:
    file = page_of((4, 6, 3), ["a", "b"])
    facts = facts_of(file)
    piece = facts["images"][0]
    pixels = unpacked(piece["pixels"]).reshape(-1, 4, 6, 3)[piece["index"].index(4)]
    theta = unpacked(facts["theta"]).reshape(8, 2, 73).transpose(1, 2, 0).copy().view("<f8")
    for page in opened(browser, file):
        drawn = channels(page.locator("#samples canvas"))
        assert (drawn[..., :3] == pixels).all()
        tile = channels(page.locator("[data-weights=gray] canvas").last)[..., 0]
        w = theta[1, :-1, 0].reshape(4, 6, 3)
        gray = 255 * (np.hstack([w[..., k] for k in range(3)]) - w.min()) / np.ptp(w)
        assert abs(tile - gray).max() <= 0.5 + 1e-9
        page.locator("[data-weights=gray] canvas").last.hover(position={"x": 2, "y": 2})
        said = f"row 1, column 1, red: w = {w[0, 0, 0]:.4f}".replace("-", "\u2212")
        expect(page.locator("#pixel")).to_have_text(said)


def test_what_is_too_much_for_a_file_is_left_out_and_said(
    browser: Browser, page_of: PageOf
) -> None:
    """Of a thousand classes the weights, and all but fifty rows of each table."""
    names = [f"thing {k}" for k in range(1000)]
    file = page_of((28, 28), names)
    assert file.stat().st_size < report.LIMIT
    facts = facts_of(file)
    for page in opened(browser, file):
        assert "785,000 weights are too many" in page.locator("#results").inner_text()
        assert (
            "1,000 classes, tables and pictures list the 50" in page.locator("#data").inner_text()
        )
        listed = [names[k] for k in facts["listed"]]
        assert page.locator("#data tbody th").all_inner_texts() == listed
        assert page.locator("#confusion tbody th").all_inner_texts() == listed
        expect(page.locator("#drawing, #samples, #mistakes button")).to_have_count(0)
        wrong, a = facts["mistakes"][0], facts["images"][0]["a"][0]
        assert facts["images"][0]["index"][0] == wrong
        expect(page.locator("#most-confident span").first).to_contain_text(f", {a:.2f}")
        cell = page.locator("button[data-prediction]").first
        count = cell.inner_text()
        cell.click()
        said = page.locator("#cell-text").inner_text()
        assert re.match(rf"\d+ of {count}, the most confident first", said)


def facts_of(file: Path) -> dict[str, Any]:
    """What the scripts of a page are told."""
    html = file.read_text(encoding="utf-8")
    facts: dict[str, Any] = json.loads(re.findall('id="facts">(.*?)</script>', html, re.DOTALL)[0])
    return facts


def unpacked(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)


def channels(canvas: Locator) -> NDArray[np.uint8]:
    """Red, green, blue and alpha of a canvas: (rows, columns, 4)."""
    width = int(canvas.get_attribute("width") or "")
    return rgba(canvas).reshape(-1, width, 4)


def random_facts(shape: Shape, names: list[str]) -> dict[str, Any]:
    """The facts about ten images of each class and a model of them."""
    random, classes = np.random.default_rng(0), len(names)
    labels = np.arange(10 * classes) % classes
    size = len(labels), math.prod(shape)
    training, held_out, test = (
        Dataset(random.integers(256, size=size, dtype=np.uint8), labels, classes) for _ in range(3)
    )
    theta = random.integers(-(2**20), 2**20, size=(classes, size[1] + 1)) / 2**30
    a = random.dirichlet(np.full(classes, 0.1), len(labels))
    a[::2, 0] += labels[::2] == 0
    table = pd.DataFrame({"label": labels, "prediction": a.argmax(1)})
    table.loc[::3, "prediction"] = table.loc[::3, "label"]
    table = table.join(pd.DataFrame(a).add_prefix("p"))
    listed = images.listed(table, classes)
    about = {
        "listed": listed,
        "data": {
            "shape": shape,
            "classes": names,
            **images.data(listed, training, held_out, test),
        },
        "samples": [4],
        **images.called(table, listed),
        **weights.weights(theta, {0: theta / 2, 1: theta}, listed, training.images),
    }
    about["images"] = images.shown(test, table, [4], 500_000, about["theta"] is None)
    return about
