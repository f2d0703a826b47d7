"""Why an image is called what it is called: the terms of each score, and of two against another."""

import re

import numpy as np
import pandas as pd
import pytest
from helpers.report import assert_diverging, middle
from playwright.sync_api import Page, expect

from softmax.core import idx, model
from softmax.core.arrays import FloatArray
from softmax.pipeline import datasets, paths

SAMPLES = [1802, 1100, 217]  # a 2; a 7; a 6, called 5


def of_the_last_sample() -> tuple[FloatArray, FloatArray]:
    """Return theta and the pixels of the sample whose explanation tests open."""
    images = idx.read(datasets.test_files("mnist")[0], 3)
    return model.load(paths.WEIGHTS), images[SAMPLES[2]].ravel() / 255


def lines(caption: str) -> list[float]:
    """The numbers of sum, bias and score."""
    return [float(x) for x in re.findall(r"= (\S+)", caption.replace("−", "-"))]


def test_an_explanation_is_the_terms_of_the_scores_and_of_one_against_another(page: Page) -> None:
    """Of what the image is called and of what it is, and of their difference, which decides."""
    theta, pixels = of_the_last_sample()
    terms = theta[:, :-1] * pixels
    page.locator("#samples button").nth(2).click()
    expect(page.locator("#explanation h2")).to_have_text(f"Test image {SAMPLES[2]}: 6, called 5")
    captions = page.locator("#contributions figcaption").all_inner_texts()
    for caption, total, bias in zip(captions, terms.sum(axis=1), theta[:, -1], strict=True):
        assert lines(caption) == pytest.approx([total, bias, total + bias], abs=6e-5)
    assert_diverging(page.locator("#contributions canvas"), terms)
    for rival in (6, 3):
        if rival != 6:
            page.locator("#versus-rivals button").nth(rival).click()
        assert page.locator("#versus-title").inner_text() == f"Why 5 and not {rival}?"
        rows = np.array([theta[5], theta[rival], theta[5] - theta[rival]])
        maps = [rows[:, :-1], rows[:, :-1] * pixels]
        scaled = [values / abs(values).max() for values in maps]  # each row has a scale of its own
        assert_diverging(page.locator("#versus canvas"), np.vstack(scaled))
        caption = page.locator("#versus figcaption").last.inner_text()
        parts = (rows[2, :-1] @ pixels, rows[2, -1])
        assert lines(caption) == pytest.approx([*parts, sum(parts)], abs=6e-5)
        marked = page.locator("#contributions .deciding strong").all_inner_texts()
        assert sorted(marked) == sorted(["class 5", f"class {rival}"])
    expect(page.locator("#versus-rivals button:disabled")).to_have_text("5")


def test_what_is_right_is_set_against_the_second(page: Page) -> None:
    table = pd.read_csv(paths.PREDICTIONS).filter(regex=r"^p\d")
    page.locator("#samples button").nth(1).click()
    second = np.argsort(table.to_numpy()[SAMPLES[1]])[-2]
    assert page.locator("#versus-title").inner_text() == f"Why 7 and not {second}?"


def test_the_pointer_says_a_pixel_and_its_weight(page: Page) -> None:
    note = page.locator("#pixel")
    theta, pixels = of_the_last_sample()
    n = int(np.argmax(pixels[: 28 * 14]))
    row, column = divmod(n, 28)
    place = ((column + 0.5) / 28, (row + 0.5) / 28)
    weights = page.locator("[data-weights=diverging] canvas").nth(5)
    page.mouse.move(*middle(page, weights, *place))
    said = f"row {row + 1}, column {column + 1}: w = {theta[5, n]:.4f}"
    expect(note).to_have_text(said.replace("-", "−"))
    page.mouse.move(0, 0)
    expect(note).not_to_be_visible()
    page.locator("#samples button").nth(2).click()
    page.mouse.move(*middle(page, page.locator("#versus canvas").last, *place))
    w, x = theta[5, n] - theta[6, n], pixels[n]
    said = f"row {row + 1}, column {column + 1}: w·x = {w:.4f} · {x:.3f} = {w * x:.4f}"
    expect(note).to_have_text(said.replace("-", "−"))
    expect(note).to_be_in_viewport()


def test_a_dialog_opens_at_its_top_wherever_the_last_one_was_left(page: Page) -> None:
    dialog = page.locator("#explanation")
    for _ in range(2):
        page.locator("#samples button").first.click()
        assert dialog.evaluate("(dialog) => dialog.scrollTop") == 0
        dialog.evaluate("(dialog) => dialog.scrollTo(0, 300)")
        page.keyboard.press("Escape")
