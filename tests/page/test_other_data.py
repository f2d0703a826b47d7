"""The page of other data and another training: it says what was run, and of which images."""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from clones import Clone
from page.opened import formulas, visit
from playwright.sync_api import Browser, Page, expect

from softmax.core.data import Dataset
from softmax.page import images, report
from softmax.pipeline import params, paths

CHANGES = {
    "dataset: digits": "dataset: fashion-mnist",
    "optimizer: sgd": "optimizer: adam",
    "schedule: constant": "schedule: cosine",
    "validation: 0": "validation: 100",
    "weight_decay: 0.0": "weight_decay: 0.01",
    "averaging: 0.0": "averaging: 0.9",
}


@pytest.fixture(scope="module")
def clone(team: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The team's clone after another training, of images that go by Fashion-MNIST's name."""
    clone = Clone.copy(team.folder, tmp_path_factory.mktemp("other") / "clone")
    clone.environment |= {"MNIST_MIRROR": team.environment["MNIST_MIRROR"]}
    clone.run("python", "-m", "tools.pin", "fashion-mnist", clone.environment["MNIST_MIRROR"])
    for old, new in CHANGES.items():
        clone.edit("params.yaml", old, new)
    clone.run("dvc", "repro")
    return clone


@pytest.fixture
def page(browser: Browser, clone: Clone) -> Iterator[Page]:
    yield from opened(browser, clone.folder / paths.REPORT)


def opened(browser: Browser, file: Path) -> Iterator[Page]:
    faults: list[str] = []
    with browser.new_context(locale="en-GB") as context:
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        visit(page, file.as_uri())
        yield page
    assert faults == []


def test_classes_have_their_names(page: Page) -> None:
    assert page.title() == "Softmax regression on Fashion-MNIST"
    for section in ("drawing", "data", "curves", "weights", "samples", "confusion", "mistakes"):
        assert "digit" not in page.locator(f"#{section}").inner_text()
    assert page.locator("#drawing h2").inner_text() == "Draw something"
    assert page.locator("#data tbody th").all_inner_texts()[8:] == ["bag", "ankle boot"]
    page.locator("#drawing-classes").get_by_role("button", name="sneaker").click()
    page.locator("#drawing-why").click()
    expect(page.locator("#explanation-title")).to_contain_text(": sneaker, called sneaker")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Tiếng Việt").click()
    expect(page.locator("#data tbody th").last).to_have_text("bốt cổ ngắn")


def test_the_training_is_described_as_it_was_run(page: Page) -> None:
    text = page.locator("#curves").inner_text()
    assert "Adam does not step along it" in text
    assert "gradient descent" not in text
    assert [formula.split("\u2190")[0] for formula in formulas(page)[1:]] == ["M", "V", "W"]
    assert "falls to 0, along half a cosine" in text
    assert "Weight decay adds 0.01 times each weight" in text
    assert "moving average of W and b over all steps, with decay 0.9" in text
    assert "nothing from the 100 images that are held out" in text
    assert "learns from 400 images" in page.locator("#data p").first.inner_text()
    assert page.locator("#data p").nth(1).inner_text().startswith("Another 100 images are held out")


def test_the_curve_of_the_held_out_images_is_that_of_its_table(page: Page, clone: Clone) -> None:
    losses = pd.read_csv(clone.folder / paths.EPOCHS)["validation_loss"]
    top = float(page.locator("#loss .level").last.inner_text())
    dots = page.locator("#loss .held-out").evaluate_all(
        "(dots) => dots.map((dot) => parseFloat(dot.style.bottom))"
    )
    np.testing.assert_allclose(dots, 100 * losses / top, rtol=1e-5)
    expect(page.get_by_text("loss on the held-out images")).to_be_visible()


def test_images_of_other_shapes_and_fewer_classes_have_a_page(
    browser: Browser, pipeline: Clone, tmp_path: Path
) -> None:
    """Three classes of 6 x 5 pixels, without a pad, which makes images of 28 x 28."""
    for page in opened(browser, write(tmp_path, pipeline, (6, 5), ["a", "b", "c"])):
        expect(page.locator("#drawing")).to_have_count(0)
        expect(page.get_by_role("link", name="Draw")).to_have_count(0)
        expect(page.locator("[data-weights=gray] canvas")).to_have_count(3)
        expect(page.locator("#confusion tbody tr")).to_have_count(3)
        text = page.locator("#data p").first.inner_text()
        assert "in 3 classes" in text
        assert "6\u00a0\u00d7\u00a05 gray pixels" in text
        assert "30 features" in text
        page.locator("#samples button").click()
        size = page.locator("#versus canvas").last.evaluate(
            "({ width, height }) => [width, height]"
        )
        assert size == [5, 6]
        expect(page.locator("#explained-scores tr")).to_have_count(3)


def write(folder: Path, pipeline: Clone, shape: tuple[int, ...], names: list[str]) -> Path:
    """A page of random images and of a random model of them; all else is that of the pipeline."""
    html = (pipeline.folder / paths.REPORT).read_text(encoding="utf-8")
    facts = json.loads(re.findall('id="facts">(.*?)</script>', html, re.DOTALL)[0])
    page = report.html(
        facts | {"dataset": "mine", "name": "Mine", "lecture": None} | random_facts(shape, names),
        train=params.load(pipeline.folder / params.PATH).train,
        sha256={},
        examples=report.examples(pd.read_csv(pipeline.folder / paths.LESSON_EXAMPLES)),
    )
    (folder / "index.html").write_bytes(page)
    return folder / "index.html"


def random_facts(shape: tuple[int, ...], names: list[str]) -> dict[str, Any]:
    """The facts about ten images of each class and a model of them."""
    random, classes = np.random.default_rng(0), len(names)
    labels = np.arange(10 * classes) % classes
    size = len(labels), math.prod(shape)
    training, held_out, test = (
        Dataset(random.integers(256, size=size, dtype=np.uint8), labels, classes) for _ in range(3)
    )
    theta = random.integers(-(2**30), 2**30, size=(classes, size[1] + 1)) / 2**30
    a = random.dirichlet(np.ones(classes), len(labels))
    table = pd.DataFrame({"label": labels, "prediction": a.argmax(1)})
    table[[f"p{k}" for k in range(classes)]] = a
    return {
        "data": images.data(shape, names, training, held_out, test),
        "forming": images.forming({0: theta / 2, 1: theta}),
        **images.model(theta, table, [4]),
        "images": images.shown(test, table, [4], 1_000_000),
    }
