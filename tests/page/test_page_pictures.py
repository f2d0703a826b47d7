"""The pictures of the report, cell by cell and point by point, against the numbers of Python."""

import re

import numpy as np
import pandas as pd
from helpers.clones import Clone
from helpers.report import rgba
from numpy.typing import ArrayLike, NDArray
from playwright.sync_api import Locator, Page

from softmax.core import model
from softmax.core.data import Dataset
from softmax.lesson import figures, plane
from softmax.pipeline import paths
from softmax.pipeline.params import Lesson
from softmax.results import evaluation
from softmax.training import initialization

Doubles = NDArray[np.float64]

PLACES = np.arange(-254, 256, 4, dtype=np.int16)  # the middles of 128 cells, 255 x
CELLS = Dataset(
    np.stack(np.meshgrid(PLACES, -PLACES), axis=-1).reshape(-1, 2), np.zeros(128**2, np.uint8), 3
)
COLOURS = np.array(list(figures.COLOURS.values()))
PURPLE, ORANGE = (128, 84, 200), (230, 97, 1)
BLUE, RED = (51, 121, 205), (213, 62, 52)


def assert_painted(canvas: Locator, colours: ArrayLike, strength: Doubles) -> None:
    """`canvas` has `colours`, (n, 3), of `strength`, 0 to 255, (n,)."""
    picture = rgba(canvas).astype(float)
    np.testing.assert_allclose(picture[:, 3], strength, atol=0.5 + 1e-9)
    clear = strength > 64  # else a canvas rounds colours
    expected = np.broadcast_to(colours, (len(picture), 3))
    np.testing.assert_allclose(picture[clear, :3], expected[clear], atol=2)


def test_surfaces_are_those_of_softmax_and_of_logistic_regressions(
    shared: Page, mnist: Clone, lecture: Lesson
) -> None:
    theta = model.load(mnist.directory / paths.LESSON_WEIGHTS)
    thetas = plane.fit_logistic(plane.points(lecture), lecture)
    a, q = plane.probabilities(theta, CELLS), plane.logistic(thetas, CELLS)
    largest = abs(plane.totals(q) - 1).max()
    for kind, p in {"softmax": a, "logistic": q}.items():
        *classes, last = shared.locator(f"[data-surfaces={kind}] canvas").all()
        for canvas, colour, values in zip(classes, COLOURS, p, strict=True):
            assert_painted(canvas, colour, 255 * values)
        excess = plane.totals(p) - 1
        colours = np.where(excess[:, None] > 0, ORANGE, PURPLE)
        assert_painted(last, colours, 255 * abs(excess) / largest)
    legend = shared.locator("#contrast-legend").inner_text().split()
    assert legend == [f"−{largest:.4f}", f"{largest:.4f}"]
    for name, n in {"least": plane.totals(q).argmin(), "most": plane.totals(q).argmax()}.items():
        x1, x2 = CELLS.images[n] / 255
        place = f"at ({x1:.2f}, {x2:.2f}), where it is {plane.totals(q)[n]:.2f}:".replace("-", "−")
        assert place in shared.locator(f"#contrast-{name}").inner_text()


def test_regions_have_the_colour_of_the_winner_stronger_where_it_is_surer(
    shared: Page, mnist: Clone
) -> None:
    a = plane.probabilities(model.load(mnist.directory / paths.LESSON_WEIGHTS), CELLS)
    canvas = shared.locator("#lesson-regions")
    assert_painted(canvas, COLOURS[a.argmax(axis=0)], 15 + 130 * a.max(axis=0))


def test_weights_are_images_in_gray_and_in_two_colours(shared: Page, mnist: Clone) -> None:
    weights = model.load(mnist.directory / paths.WEIGHTS)[:, :-1]
    largest = abs(weights).max()
    grays = shared.locator("[data-weights=gray] canvas").all()
    twos = shared.locator("[data-weights=diverging] canvas").all()
    for w, gray, two in zip(weights, grays, twos, strict=True):
        level = 255 * (w - w.min()) / np.ptp(w)
        assert_painted(gray, level[:, None], np.full(784, 255))
        colours = np.where(w[:, None] > 0, RED, BLUE)
        assert_painted(two, colours, 255 * abs(w) / largest)


def test_the_curve_of_the_training_is_that_of_its_tables(shared: Page, mnist: Clone) -> None:
    batches = pd.read_csv(mnist.directory / paths.LOSSES)
    epochs = pd.read_csv(mnist.directory / paths.EPOCHS)
    last = epochs["step"].iloc[-1]
    top = float(shared.locator("#loss .level").last.inner_text())
    assert "bottom: 100%" in (shared.locator("#loss .level").last.get_attribute("style") or "")
    x, y = drawn(shared.locator("#loss path"))
    np.testing.assert_allclose(x, 100 * batches["step"] / last)
    np.testing.assert_allclose(y, 100 - 100 * batches["loss"] / top)
    styles = [dot.get_attribute("style") or "" for dot in shared.locator("#loss .dot").all()]
    left, bottom = np.array([re.findall(r"[\d.]+", style) for style in styles], float).T
    np.testing.assert_allclose(left, 100 * epochs["step"] / last)
    np.testing.assert_allclose(bottom, 100 * epochs["train_loss"] / top)


def test_the_curve_of_the_lesson_is_that_of_its_table(
    shared: Page, mnist: Clone, lecture: Lesson
) -> None:
    data = plane.points(lecture)
    z = evaluation.logits(initialization.uniform(2, lecture.seed, plane.CLASSES), data)
    before = model.cross_entropy(z, np.eye(plane.CLASSES)[:, data.labels]).mean()
    after = pd.read_csv(mnist.directory / paths.LESSON_EPOCHS)["train_loss"]
    losses = np.array([before, *after])
    x, y = drawn(shared.locator("#lesson-curve"))
    shown = len(losses)  # of more epochs than the pipeline has
    top = float(shared.locator(".loss .level").last.inner_text())
    last = int(shared.locator(".loss .epoch").last.inner_text())
    assert last == len(x) - 1 > len(after)
    np.testing.assert_allclose(x, 100 * np.arange(len(x)) / last)
    np.testing.assert_allclose(y[:shown], 100 - 100 * losses / top, atol=1e-9)
    assert losses.max() <= top < 2 * losses.max()
    end = shared.locator(".loss .end").get_attribute("style") or ""
    assert f"left: {100 * len(after) / last:g}%" in end


def drawn(path: Locator) -> Doubles:
    """The points of a path of lines: x and y, (2, n)."""
    numbers = re.findall(r"[\d.]+(?:e-\d+)?", path.get_attribute("d") or "")
    return np.array(numbers, float).reshape(-1, 2).T
