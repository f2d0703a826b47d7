"""What the report shows of MNIST and of the training, against what the pipeline wrote."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from helpers.clones import Clone
from helpers.report import level, rgba
from playwright.sync_api import Page, expect

from softmax.core import data, model
from softmax.core.data import Dataset
from softmax.page import images, report
from softmax.page.images import EXAMPLES
from softmax.pipeline import catalog, paths

SAMPLES = [1802, 1100, 217]


@pytest.fixture(scope="module")
def training(mnist: Clone) -> Dataset:
    """The training set."""
    pictures, labels = (mnist.directory / path for path in catalog.training_files("mnist"))
    return data.load(pictures, labels, (60_000, 28, 28), 10)


def test_the_report_has_the_result_and_is_small(shared: Page, mnist: Clone) -> None:
    accuracy = json.loads((mnist.directory / paths.TEST_METRICS).read_text())["accuracy"]
    said = f"{accuracy:.2%} accuracy on 10,000 test images."
    assert shared.locator("#results strong").inner_text() == said
    assert (mnist.directory / paths.REPORT).stat().st_size <= report.LIMIT
    expect(shared.locator("#hashes td code").first).not_to_be_visible()
    shared.locator("#hashes summary").click()
    expect(shared.locator("#hashes td code").first).to_be_visible()


def test_javascript_gives_all_test_images_the_labels_and_probabilities_of_python(
    shared: Page, mnist: Clone
) -> None:
    expected = pd.read_csv(mnist.directory / paths.PREDICTIONS)
    program = """async () => {
      const { classify, images } = await import("softmax/digits");
      const { predict } = await import("softmax/model");
      const all = [...(await images).values()].sort((one, other) => one.index - other.index);
      return all.map(({ label, pixels }) => {
        const { z, a } = classify(pixels);
        return [label, predict(z), ...a];
      }).join("\\n");
    }"""
    rows = [line.split(",") for line in shared.evaluate(program).split()]
    assert np.array_equal(np.array(rows, float), expected.to_numpy())


@pytest.mark.parametrize(("label", "prediction"), [(4, 9), (1, 1)])
def test_all_images_are_behind_a_cell_the_most_confident_first(
    shared: Page, mnist: Clone, label: int, prediction: int
) -> None:
    table = pd.read_csv(mnist.directory / paths.PREDICTIONS)
    behind = table.query(f"label == {label} and prediction == {prediction}")
    order = (
        behind.filter(regex=r"p\d").max(axis=1).sort_values(ascending=False, kind="stable").index
    )
    pictures = data.read_idx(mnist.directory / catalog.test_files("mnist")[0], 3)
    shared.locator(f"[data-label='{label}'][data-prediction='{prediction}']").click()
    canvases = shared.locator("#cell canvas")
    expect(canvases).to_have_count(len(behind))
    assert np.array_equal(rgba(canvases)[..., 0].reshape(-1, 28, 28), pictures[order])
    said = f"{len(behind):,} of {len(behind):,}, the most confident first, "
    assert shared.locator("#cell-text").inner_text().startswith(said)


def test_the_images_in_the_report_are_those_of_the_file(shared: Page, mnist: Clone) -> None:
    """All of them, to the last pixel, with their labels."""
    image_file, label_file = (mnist.directory / path for path in catalog.test_files("mnist"))
    pictures, labels = data.read_idx(image_file, 3), data.read_idx(label_file, 1)
    program = """async () => {
      const { images } = await import("softmax/digits");
      const all = [...(await images).values()].sort((one, other) => one.index - other.index);
      const pixels = new Uint8Array(await new Blob(all.map((image) => image.pixels)).arrayBuffer());
      const digest = await crypto.subtle.digest("SHA-256", pixels);
      return [[...new Uint8Array(digest)], all.map(({ label }) => label)];
    }"""
    digest, shown = shared.evaluate(program)
    assert bytes(digest) == hashlib.sha256(pictures.tobytes()).digest()
    assert shown == labels.tolist()


def test_samples_and_mistakes_are_the_lectures_and_the_most_confident(
    shared: Page, mnist: Clone
) -> None:
    assert shared.locator("#samples h3").all_inner_texts() == [f"Test image {k}" for k in SAMPLES]
    table = pd.read_csv(mnist.directory / paths.PREDICTIONS)
    table["confidence"] = table.filter(regex=r"p\d").max(axis=1)
    wrong = table.query("label != prediction").sort_values("confidence", ascending=False)
    assert shared.locator("#most-confident span").all_inner_texts() == [
        f"{row.label:.0f} → {row.prediction:.0f}, {row.confidence:.2f}"
        for row in wrong.head(images.MISTAKES).itertuples()
    ]


def test_the_data_set_is_introduced_by_its_counts_and_first_images(
    shared: Page, training: Dataset, mnist: Clone
) -> None:
    test = data.read_idx(mnist.directory / catalog.test_files("mnist")[1], 1)
    text = shared.locator("#data p").first.inner_text().replace("\u00a0\u00d7\u00a0", " by ")
    for said in ("60,000 images", "10,000 others", "10 classes", "28 by 28", "784 features"):
        assert said in text
    for k, row in enumerate(shared.locator("#data tbody tr").all()):
        of_class = [sum(labels == k) for labels in (training.labels, test)]
        assert row.locator("td").all_inner_texts()[:2] == [f"{n:,}" for n in of_class]
        first = training.images[training.labels == k][:EXAMPLES].reshape(-1, 28, 28)
        assert (level(row.locator("canvas")) == np.hstack(list(first))).all()
    image = level(shared.locator("#data-image"))
    assert (level(shared.locator("#data-vector")) == image.reshape(1, 784)).all()


def test_the_weights_form_under_the_slider(page: Page, mnist: Clone) -> None:
    final = model.load(mnist.directory / paths.WEIGHTS)
    slider, said = page.locator("#weights-epoch"), page.locator("#weights-said")
    losses = pd.read_csv(mnist.directory / paths.EPOCHS)["train_loss"]
    expect(said).to_have_text(f"5 of 5: loss {losses.iloc[-1]:.3f} on the training set")
    for epoch in (0, 3, 5):
        slider.fill(str(epoch))
        theta = model.load(mnist.directory / paths.EPOCH_WEIGHTS / f"{epoch}.safetensors")
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
    shared: Page, training: Dataset
) -> None:
    dark = int((training.images.max(axis=0) == 0).sum())
    text = shared.locator("#weights-dark").inner_text()
    assert f"{dark} pixels are 0 in every training image" in text
    assert f"{10 * dark} of these {10 * dark} weights are, bit for bit" in text


def test_the_curve_names_its_epochs_and_its_last_value(shared: Page, mnist: Clone) -> None:
    last = pd.read_csv(mnist.directory / paths.EPOCHS)["train_loss"].iloc[-1]
    assert shared.locator("#loss .level").all_inner_texts()[:2] == ["0", "0.5"]
    assert shared.locator("#loss .epoch").all_inner_texts() == [f"epoch {k}" for k in range(1, 6)]
    assert shared.locator("#loss .last").inner_text() == f"{last:.2f}"
