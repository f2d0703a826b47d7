"""Test that the report shows the values that Python computes for MNIST, training and the lesson."""

import re

import numpy as np
import pandas as pd
from helpers.report import GIVEN, LESSON, LESSON_DATA, assert_diverging, assert_painted, level, rgba
from playwright.sync_api import Locator, Page, expect

from softmax.analysis import evaluation
from softmax.core import batches, idx, model
from softmax.core.arrays import FloatArray
from softmax.core.batches import Dataset
from softmax.pipeline import datasets, paths
from softmax.report import embedded, examples
from softmax.report.embedded import EXAMPLES
from softmax.training import randomness

PLACES = np.arange(-254, 256, 4, dtype=np.int16)  # the centers of 128 cells, in units of 1/255
CELLS = Dataset(
    np.stack(np.meshgrid(PLACES, -PLACES), axis=-1).reshape(-1, 2), np.zeros(128**2, np.uint8), 3
)
COLORS = np.array(list(examples.COLORS.values()))
PURPLE, ORANGE = (128, 84, 200), (230, 97, 1)


def test_javascript_and_python_give_the_same_probabilities(page: Page) -> None:
    expected = pd.read_csv(paths.PREDICTIONS)
    program = """async () => {
      const { classify, images } = await import("softmax/digits");
      const { predict } = await import("softmax/model");
      const all = [...(await images).values()].sort((one, other) => one.index - other.index);
      return all.map(({ label, pixels }) => {
        const { z, a } = classify(pixels);
        return [label, predict(z), ...a];
      }).join("\\n");
    }"""
    rows = [line.split(",") for line in page.evaluate(program).split()]
    assert np.array_equal(np.array(rows, float), expected.to_numpy())


def test_a_cell_of_the_confusion_matrix_opens_its_images_most_confident_first(page: Page) -> None:
    table = pd.read_csv(paths.PREDICTIONS)
    behind = table.query("label == 4 and prediction == 4")  # too many to be painted at once
    order = behind["p4"].sort_values(ascending=False, kind="stable").index
    pictures = idx.read(datasets.test_files("mnist")[0], 3)
    page.locator("[data-label='4'][data-prediction='4']").click()
    canvases = page.locator("#cell canvas")
    expect(canvases).to_have_count(len(behind))
    assert np.array_equal(rgba(canvases)[..., 0].reshape(-1, 28, 28), pictures[order])
    message = f"{len(behind)} of {len(behind)}, the most confident first, "
    assert page.locator("#cell-text").inner_text().startswith(message)


def test_the_most_confident_mistakes_are_shown(page: Page) -> None:
    table = pd.read_csv(paths.PREDICTIONS).query("label != prediction")
    wrong = table.assign(a=table.filter(regex=r"p\d").max(axis=1)).sort_values("a", ascending=False)
    assert page.locator("#most-confident span").all_inner_texts() == [
        f"{row.label:.0f} → {row.prediction:.0f}, {row.a:.0%}"
        for row in wrong.head(embedded.MISTAKES).itertuples()
    ]


def test_the_data_set_is_shown_with_counts_and_first_images(page: Page) -> None:
    pictures, labels = (path for path in datasets.training_files("mnist"))
    training = batches.load(pictures, labels, (60_000, 28, 28), 10)
    test = idx.read(datasets.test_files("mnist")[1], 1)
    text = page.locator("#data p").first.inner_text()
    for message in ("60,000 images", "10,000 other images", "10 classes", "784 features"):
        assert message in text
    for k, row in enumerate(page.locator("#data tbody tr").all()):
        of_class = [sum(labels == k) for labels in (training.labels, test)]
        assert row.locator("td").all_inner_texts()[:2] == [f"{n:,}" for n in of_class]
        first = training.images[training.labels == k][:EXAMPLES].reshape(-1, 28, 28)
        assert (level(row.locator("canvas")) == np.hstack(list(first))).all()
    image = level(page.locator("#data-image"))
    assert (level(page.locator("#data-vector")) == image.reshape(1, 784)).all()


def test_the_slider_shows_the_weights_of_each_epoch(page: Page) -> None:
    slider, shown = page.locator("#weights-epoch"), page.locator("#weights-status")
    losses = pd.read_csv(paths.EPOCHS)["train_loss"]
    expect(shown).to_contain_text("5 of 5")
    for epoch in (0, 3, 5):
        slider.fill(str(epoch))
        theta = model.load(paths.EPOCH_WEIGHTS / f"{epoch}.safetensors")
        weights = theta[:, :-1]
        for k in (0, 9):
            gray = 255 * (weights[k] - weights[k].min()) / np.ptp(weights[k])
            drawn = level(page.locator("[data-weights=gray] canvas").nth(k)).ravel()
            assert abs(drawn - gray).max() <= 0.5 + 1e-9
        loss = f"{epoch} of 5: loss {losses.get(epoch - 1, 0):.3f} on the training set"
        expect(shown).to_have_text(loss if epoch else "before training: random weights")
    assert_diverging(page.locator("[data-weights=diverging] canvas"), weights)  # on one scale
    biases = [f"b = {b:.4f}".replace("-", "−") for b in theta[:, -1]]
    assert page.locator("#weights .bias").all_inner_texts() == biases


def test_regions_and_surfaces_match_both_models(page: Page) -> None:
    theta = model.load(paths.LESSON_WEIGHTS)
    thetas = examples.fit_logistic(LESSON_DATA, LESSON)
    a, q = examples.probabilities(theta, CELLS), examples.logistic(thetas, CELLS)
    regions = page.locator("#lesson-regions")
    assert_painted(regions, COLORS[a.argmax(axis=0)], 15 + 130 * a.max(axis=0))
    sums = examples.totals(q)
    largest = abs(sums - 1).max()
    for kind, p in {"softmax": a, "logistic": q}.items():
        *classes, last = page.locator(f"[data-surfaces={kind}] canvas").all()
        for canvas, color, values in zip(classes, COLORS, p, strict=True):
            assert_painted(canvas, color, 255 * values)
        excess = examples.totals(p) - 1
        colors = np.where(excess[:, None] > 0, ORANGE, PURPLE)
        assert_painted(last, colors, 255 * abs(excess) / largest)
    legend = page.locator("#contrast-legend").inner_text().split()
    assert legend == [f"−{largest:.4f}", f"{largest:.4f}"]
    for name, n in {"minimum": sums.argmin(), "maximum": sums.argmax()}.items():
        x1, x2 = CELLS.images[n] / 255
        place = f"at ({x1:.2f}, {x2:.2f}), where it is {sums[n]:.2f}.".replace("-", "−")
        assert place in page.locator(f"#contrast-{name}").inner_text()


def test_the_training_curve_matches_its_tables(page: Page) -> None:
    batches = pd.read_csv(paths.LOSSES)
    epochs = pd.read_csv(paths.EPOCHS)
    last, final = epochs["step"].iloc[-1], epochs["train_loss"].iloc[-1]
    assert page.locator("#loss .epoch").all_inner_texts() == [f"epoch {k}" for k in range(1, 6)]
    assert page.locator("#loss .last").inner_text() == f"{final:.2f}"
    top = float(page.locator("#loss .level").last.inner_text())
    x, y = drawn(page.locator("#loss path"))
    np.testing.assert_allclose(x, 100 * batches["step"] / last)
    np.testing.assert_allclose(y, 100 - 100 * batches["loss"] / top)
    styles = page.locator("#loss .dot").evaluate_all(
        "(all) => all.map((one) => one.getAttribute('style'))"
    )
    left, bottom = np.array([re.findall(r"[\d.]+", style) for style in styles], float).T
    epoch, batch, lecture = np.transpose(GIVEN["losses"])
    steps = np.concatenate([938 * (epoch - 1) + batch, epochs["step"]])
    np.testing.assert_allclose(left, 100 * steps / last)
    np.testing.assert_allclose(bottom, 100 * np.append(lecture, epochs["train_loss"]) / top)


def test_the_curve_of_the_lesson_matches_its_table(page: Page) -> None:
    z = evaluation.logits(randomness.initial_weights(2, LESSON.seed, examples.CLASSES), LESSON_DATA)
    before = model.cross_entropy(z, np.eye(examples.CLASSES)[:, LESSON_DATA.labels]).mean()
    after = pd.read_csv(paths.LESSON_EPOCHS)["train_loss"]
    losses = np.array([before, *after])
    x, y = drawn(page.locator("#lesson-curve"))
    shown = len(losses)  # the report's curve has more epochs
    top = float(page.locator("#lesson .loss .level").last.inner_text())
    last = int(page.locator(".loss .epoch").last.inner_text())
    assert last == len(x) - 1 > len(after)
    np.testing.assert_allclose(x, 100 * np.arange(len(x)) / last)
    np.testing.assert_allclose(y[:shown], 100 - 100 * losses / top, atol=1e-9)
    assert losses.max() <= top < 2 * losses.max()
    end = page.locator(".loss .end").get_attribute("style") or ""
    assert f"left: {100 * len(after) / last:g}%" in end


def drawn(path: Locator) -> FloatArray:
    """Return x and y of the points of an SVG path, (2, n)."""
    numbers = re.findall(r"[\d.]+(?:e-\d+)?", path.get_attribute("d") or "")
    return np.array(numbers, float).reshape(-1, 2).T
