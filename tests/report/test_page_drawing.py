"""The pad: what is drawn, what the model sees of it, and what it says."""

import numpy as np
import pandas as pd
import pytest
from helpers.report import assert_diverging, level, middle
from playwright.sync_api import Page, expect

from softmax.core import idx, model
from softmax.data.normalization import normalize
from softmax.pipeline import datasets, paths


@pytest.fixture
def blank(page: Page) -> Page:
    """The report with nothing on its pad."""
    page.locator("#drawing-clear").click()
    return page


def stroke(page: Page, *places: tuple[float, float]) -> None:
    """Draw a line through `places`, in parts of the pad from its top left."""
    on_screen = [middle(page, "#drawing-pad", x, y) for x, y in places]
    page.mouse.move(*on_screen[0])
    page.mouse.down()
    for place in on_screen[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()


ONE = [(0.3, 0.1), (0.3, 0.7)]
DOT = [(0.9, 0.1), (0.9, 0.1)]
ACROSS_A_CORNER = [(0.7, 0.95), (1.1, 0.4)]


def test_a_drawing_becomes_an_image_as_mnist_was_made_and_its_probabilities_follow(
    blank: Page,
) -> None:
    """The image as in `make predict`, whose normalization is tested against its specification."""
    theta = model.load(paths.WEIGHTS)
    nothing = [f"{a:.4f}" for a in model.softmax(theta[:, -1:])[:, 0]]
    probabilities = blank.locator("#drawing-scores td:last-child")
    assert probabilities.all_inner_texts() == nothing
    for places in (DOT, ONE, ACROSS_A_CORNER):
        stroke(blank, *places)
        image = level(blank.locator("#drawing-image"))
        assert image.max() > 250
        assert (image == normalize(level(blank.locator("#drawing-pad"), 3))).all()
        z = model.logits(theta, np.array([*image.flat, 255])[:, None])
        assert probabilities.all_inner_texts() == [f"{a:.4f}" for a in model.softmax(z)[:, 0]]
        k = model.predict(z)[0]
        expect(blank.locator("#drawing-verdict")).to_have_text(f"The model says: {k}")
        terms = theta[k, :-1] * (image.ravel() / 255)
        assert_diverging(blank.locator("#drawing-contributions"), terms)
    blank.locator("#drawing-clear").click()
    assert probabilities.all_inner_texts() == nothing


def test_a_verdict_is_said_again_only_where_it_changes(blank: Page) -> None:
    """Only then do screen readers read it again."""
    stroke(blank, *ONE)
    blank.locator("#drawing-verdict").evaluate(
        """(verdict) => {
             window.said = 0;
             const observer = new MutationObserver((records) => (window.said += records.length));
             observer.observe(verdict, { childList: true });
           }"""
    )
    stroke(blank, (0.3, 0.1), (0.3, 0.75))  # still a 1
    assert blank.evaluate("window.said") == 0
    blank.locator("#drawing-clear").click()
    assert blank.evaluate("window.said") == 1


def test_those_who_cannot_draw_take_test_images_by_keyboard(page: Page) -> None:
    """One after another, each as the model was tested on it."""
    images = idx.read(datasets.test_files("mnist")[0], 3)
    table = pd.read_csv(paths.PREDICTIONS)
    page.reload()
    page.locator("#content[aria-busy=false]").wait_for()
    assert (level(page.locator("#drawing-image")) == images[1802]).all()  # the lecture's first
    for k in (0, 9):
        right = table.query(f"label == prediction == {k}").filter(regex=r"^p\d").max(axis=1)
        page.locator(f"#drawing-classes [data-class='{k}']").focus()
        for index in right.sort_values(ascending=False, kind="stable").index[:2]:
            page.keyboard.press("Enter")
            assert (level(page.locator("#drawing-image")) == images[index]).all()
            expect(page.locator("#drawing-verdict")).to_have_text(f"The model says: {k}")
    stroke(page, *ONE)  # which does not go over the image
    expect(page.locator("#drawing-verdict")).to_have_text("The model says: 1")


def test_only_the_main_button_draws(blank: Page) -> None:
    blank.mouse.move(*middle(blank, "#drawing-pad", 0.2, 0.2))
    blank.mouse.down(button="right")
    blank.mouse.move(*middle(blank, "#drawing-pad", 0.6, 0.6))
    blank.mouse.up(button="right")
    assert not level(blank.locator("#drawing-pad"), 3).any()


def test_a_drawing_is_explained(blank: Page) -> None:
    stroke(blank, *ONE)
    blank.locator("#drawing-why").click()
    expect(blank.locator("#explanation-title")).to_have_text("Your drawing, called 1")
    expect(blank.locator("#explained-scores .predicted th")).to_have_text("1")
    blank.keyboard.press("Escape")
    marked = blank.locator("#drawing-scores tr:not(.other)")
    expect(marked).to_have_class("predicted")  # but not right: nobody knows what it is
    blank.locator("#drawing-clear").click()
    expect(marked).to_have_count(0)
    expect(blank.locator("#drawing-why")).to_be_disabled()
