"""The data set and the training, as the page shows them: images, counts, weights as they form."""

import numpy as np
import pandas as pd
import pytest
from clones import Clone
from numpy.typing import NDArray
from page.opened import _file, _page, formulas, rgba  # noqa: F401 (fixtures)
from playwright.sync_api import Locator, Page, expect

from softmax.core import data, model
from softmax.core.data import Dataset
from softmax.page.images import EXAMPLES
from softmax.pipeline import catalog, paths


@pytest.fixture(scope="module")
def training(pipeline: Clone) -> Dataset:
    images, labels = (pipeline.folder / path for path in catalog.training_files("mnist"))
    return data.load(images, labels, (60_000, 28, 28), 10)


def level(canvas: Locator) -> NDArray[np.uint8]:
    """How red its pixels are: (height, width)."""
    width = int(canvas.get_attribute("width") or "")
    return rgba(canvas)[:, 0].reshape(-1, width)


def test_the_data_set_is_introduced_by_its_counts_and_first_images(
    page: Page, training: Dataset, pipeline: Clone
) -> None:
    test = data.read_idx(pipeline.folder / catalog.test_files("mnist")[1], 1)
    text = page.locator("#data p").first.inner_text().replace("\u00a0\u00d7\u00a0", " by ")
    for said in ("60,000 images", "10,000 others", "10 classes", "28 by 28", "784 features"):
        assert said in text
    for k, row in enumerate(page.locator("#data tbody tr").all()):
        of_class = [sum(labels == k) for labels in (training.labels, test)]
        assert row.locator("td").all_inner_texts()[:2] == [f"{n:,}" for n in of_class]
        first = training.images[training.labels == k][:EXAMPLES].reshape(-1, 28, 28)
        assert (level(row.locator("canvas")) == np.hstack(list(first))).all()
    image = level(page.locator("#data-image"))
    assert (level(page.locator("#data-vector")) == image.reshape(1, 784)).all()


def test_the_weights_form_under_the_slider(page: Page, pipeline: Clone) -> None:
    final = model.load(pipeline.folder / paths.WEIGHTS)
    slider, said = page.locator("#weights-epoch"), page.locator("#weights-said")
    losses = pd.read_csv(pipeline.folder / paths.EPOCHS)["train_loss"]
    expect(said).to_have_text(f"5 of 5: loss {losses.iloc[-1]:.3f} on the training set")
    for epoch in (0, 3, 5):
        slider.fill(str(epoch))
        theta = model.load(pipeline.folder / paths.EPOCH_WEIGHTS / f"{epoch}.safetensors")
        weights = theta[:, :-1]
        for k in (0, 9):
            gray = 255 * (weights[k] - weights[k].min()) / np.ptp(weights[k])
            drawn = level(page.locator("[data-weights=gray] canvas").nth(k)).ravel()
            assert abs(drawn - gray).max() <= 0.5 + 1e-9
        start = "before training: random weights"
        loss = f"{epoch} of 5: loss {losses[max(epoch - 1, 0)]:.3f} on the training set"
        expect(said).to_have_text(loss if epoch else start)
    assert (theta == final).all()
    biases = [f"b = {b:.4f}".replace("-", "−") for b in final[:, -1]]
    assert page.locator("#weights .bias").all_inner_texts() == biases
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(said).to_contain_text("4 of 5")
    page.keyboard.press("ArrowRight")
    expect(said).to_contain_text("5 of 5")


def test_the_border_stays_noise_because_its_pixels_are_always_0(
    page: Page, training: Dataset
) -> None:
    dark = int((training.images.max(axis=0) == 0).sum())
    text = page.locator("#weights-dark").inner_text()
    assert f"{dark} pixels are 0 in every training image" in text
    assert f"{10 * dark} of these {10 * dark} weights are, bit for bit" in text


def test_recall_and_precision_stand_beside_the_rows_of_what_images_are(
    page: Page, pipeline: Clone
) -> None:
    table = pd.read_csv(pipeline.folder / paths.PREDICTIONS)
    counts = pd.crosstab(table["label"], table["prediction"]).to_numpy()
    rows = page.locator("#confusion tbody tr").all()
    shown = [
        [text.replace("·", "0") for text in row.locator(".cell").all_inner_texts()] for row in rows
    ]
    assert (np.array(shown, int) == counts).all()
    right = counts.diagonal()
    for name, expected in {"tbody": right / counts.sum(1), "tfoot": right / counts.sum(0)}.items():
        said = page.locator(f"#confusion {name} .rate").all_inner_texts()
        assert said == [f"{rate:.2f}" for rate in expected]


def test_the_step_is_that_of_gradient_descent(page: Page) -> None:
    assert "one step of gradient descent" in page.locator("#curves").inner_text()
    gradient, step = formulas(page)
    assert gradient.startswith("G=164")  # 1 / 64
    assert step == "W\u2190W\u2212\u03b1G"


def test_the_curve_has_ticks_on_both_axes_and_names_its_last_value(
    page: Page, pipeline: Clone
) -> None:
    last = pd.read_csv(pipeline.folder / paths.EPOCHS)["train_loss"].iloc[-1]
    assert page.locator("#loss .level").all_inner_texts()[:2] == ["0", "0.5"]
    assert page.locator("#loss .epoch").all_inner_texts() == [f"epoch {k}" for k in range(1, 6)]
    assert page.locator("#loss .last").inner_text() == f"{last:.2f}"
