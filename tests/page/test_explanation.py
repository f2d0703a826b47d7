"""Why an image is called what it is called: the terms of each score, and of two against another."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.clones import Clone
from helpers.report import rgba
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page, expect

from softmax.core import data, model
from softmax.pipeline import catalog, paths

Doubles = NDArray[np.float64]

SAMPLES = [1802, 1100, 217]  # a 2; a 7; a 6, called 5


@pytest.fixture
def theta(mnist: Clone) -> Doubles:
    return model.load(mnist.directory / paths.WEIGHTS)


@pytest.fixture
def pixels(mnist: Clone) -> NDArray[np.uint8]:
    """Those of the last sample."""
    images = data.read_idx(mnist.directory / catalog.test_files("mnist")[0], 3)
    return images[SAMPLES[2]].ravel()


def painted(canvases: Locator, count: int) -> NDArray[Any]:
    """Red, green, blue and alpha of the pixels of `count` maps: (count, 784, 4)."""
    expect(canvases).to_have_count(count)
    return rgba(canvases).reshape(count, 784, 4)


def assert_diverging(drawn: NDArray[Any], values: Doubles) -> None:
    """All maps are on one scale, red above 0 and blue below."""
    assert abs(drawn[..., 3] - 255 * abs(values) / abs(values).max()).max() <= 0.5 + 1e-9
    clear = drawn[..., 3] > 32  # else colours are rounded by the canvas
    assert ((drawn[..., 0] > drawn[..., 2]) == (values > 0))[clear].all()


def explain(page: Page, sample: int) -> None:
    page.locator("#samples button").nth(sample).click()
    expect(page.locator("#explanation")).to_be_visible()


def lines(caption: str) -> list[float]:
    """The numbers of sum, bias and score."""
    return [float(x) for x in re.findall(r"= (\S+)", caption.replace("−", "-"))]


def test_an_explanation_is_the_terms_of_the_score(
    shared: Page, theta: Doubles, pixels: NDArray[np.uint8]
) -> None:
    terms = theta[:, :-1] * pixels / 255
    explain(shared, 2)
    title = f"Test image {SAMPLES[2]}: 6, called 5"
    assert shared.locator("#explanation h2").inner_text() == title
    captions = shared.locator("#contributions figcaption").all_inner_texts()
    for caption, class_terms, bias in zip(captions, terms, theta[:, -1], strict=True):
        z = class_terms.sum() + bias
        assert lines(caption) == pytest.approx([class_terms.sum(), bias, z], abs=6e-5)
    assert_diverging(painted(shared.locator("#contributions canvas"), 10), terms)


def test_two_templates_and_what_they_find_are_set_against_each_other(
    shared: Page, theta: Doubles, pixels: NDArray[np.uint8]
) -> None:
    """Those of what the image is called and of what it is, and their difference, which decides."""
    explain(shared, 2)
    for rival in (6, 3):
        if rival != 6:
            shared.locator("#versus-rivals button").nth(rival).click()
        assert shared.locator("#versus-title").inner_text() == f"Why 5 and not {rival}?"
        rows = np.array([theta[5], theta[rival], theta[5] - theta[rival]])
        maps = painted(shared.locator("#versus canvas"), 6)
        assert_diverging(maps[:3], rows[:, :-1])
        assert_diverging(maps[3:], rows[:, :-1] * pixels / 255)
        caption = shared.locator("#versus figcaption").last.inner_text()
        parts = (rows[2, :-1] @ pixels / 255, rows[2, -1])
        assert lines(caption) == pytest.approx([*parts, sum(parts)], abs=6e-5)
        marked = shared.locator("#contributions .deciding strong").all_inner_texts()
        assert sorted(marked) == sorted(["class 5", f"class {rival}"])
    expect(shared.locator("#versus-rivals button:disabled")).to_have_text("5")


def test_what_is_right_is_set_against_the_second(shared: Page, mnist: Clone) -> None:
    table = pd.read_csv(mnist.directory / paths.PREDICTIONS).filter(regex=r"^p\d")
    explain(shared, 1)
    second = np.argsort(table.to_numpy()[SAMPLES[1]])[-2]
    assert shared.locator("#versus-title").inner_text() == f"Why 7 and not {second}?"


def test_the_pointer_says_a_pixel_and_its_weight(
    shared: Page, theta: Doubles, pixels: NDArray[np.uint8]
) -> None:
    weights = shared.locator("[data-weights=diverging] canvas").nth(5)
    note = shared.locator("#pixel")
    point(weights, 14, 9)
    w = theta[5, 28 * 13 + 8]
    expect(note).to_have_text(f"row 14, column 9: w = {w:.4f}".replace("-", "−"))
    shared.mouse.move(0, 0)
    expect(note).not_to_be_visible()
    explain(shared, 2)
    n = int(np.argmax(pixels[: 28 * 14]))
    point(shared.locator("#versus canvas").last, n // 28 + 1, n % 28 + 1)
    w, x = theta[5, n] - theta[6, n], pixels[n] / 255
    said = f"row {n // 28 + 1}, column {n % 28 + 1}: w·x = {w:.4f} · {x:.3f} = {w * x:.4f}"
    expect(note).to_have_text(said.replace("-", "−"))
    expect(note).to_be_in_viewport()


def point(canvas: Locator, row: int, column: int) -> None:
    """Move the pointer to a pixel of a map, counted from 1."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    size = (box["width"] - 2) / 28
    x, y = ((place - 0.5) * size + 1 for place in (column, row))
    canvas.page.mouse.move(box["x"] + x, box["y"] + y)


def test_a_dialog_opens_at_its_top_wherever_the_last_one_was_left(shared: Page) -> None:
    for name, button in {
        "#explanation": shared.locator("#samples button").first,
        "#cell": shared.locator("[data-label='3'][data-prediction='3']"),
    }.items():
        for _ in range(2):
            button.click()
            top = shared.locator(name).evaluate("(dialog) => dialog.scrollTop")
            assert top == 0
            shared.locator(name).evaluate("(dialog) => dialog.scrollTo(0, 300)")
            shared.keyboard.press("Escape")
