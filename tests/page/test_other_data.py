"""The page of other data and another training: it says what was run, and of which images."""

import json
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import yaml
from clones import Clone
from page.opened import formulas, opened
from playwright.sync_api import Browser, Page, expect

from softmax.pipeline import catalog, paths

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
    pins = yaml.safe_load((clone.folder / "datasets.yaml").read_text())
    pins["fashion-mnist"]["classes"] = catalog.load()["fashion-mnist"].classes
    (clone.folder / "datasets.yaml").write_text(json.dumps(pins))
    for old, new in CHANGES.items():
        clone.edit("params.yaml", old, new)
    clone.run("dvc", "repro", "report")
    return clone


@pytest.fixture(scope="module")
def page(browser: Browser, clone: Clone) -> Iterator[Page]:
    yield from opened(browser, clone.folder / paths.REPORT)


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
    page.get_by_role("button", name="English").click()


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
