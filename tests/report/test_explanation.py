"""Test the explanation of a prediction, for test images and for drawings."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.report import assert_diverging, level, middle
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from softmax.core import idx, model
from softmax.core.arrays import FloatArray
from softmax.data.normalization import normalize
from softmax.pipeline import datasets, paths

SAMPLES = [1802, 1100, 217]  # a 2, a 7, and a 6 classified as 5


def of_the_last_sample() -> tuple[FloatArray, FloatArray]:
    """Return theta and the pixels of the sample whose explanation tests open."""
    images = idx.read(datasets.test_files("mnist")[0], 3)
    return model.load(paths.WEIGHTS), images[SAMPLES[2]].ravel() / 255


def lines(caption: str) -> list[float]:
    """Return the numbers after each `=` in a caption: sum, bias and score."""
    return [float(x) for x in re.findall(r"= (\S+)", caption.replace("−", "-"))]


def test_an_explanation_shows_both_scores_and_their_difference(page: Page) -> None:
    """Show the scores of the predicted class and of the label, and the difference that decides."""
    theta, pixels = of_the_last_sample()
    terms = theta[:, :-1] * pixels
    page.locator("#samples button").nth(2).click()
    expect(page.locator("#explanation h2")).to_have_text(
        f"Test image {SAMPLES[2]}: 6, classified as 5"
    )
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


def test_the_pointer_shows_a_pixel_and_its_weight(page: Page) -> None:
    note = page.locator("#pixel")
    theta, pixels = of_the_last_sample()
    n = int(np.argmax(pixels[: 28 * 14]))
    row, column = divmod(n, 28)
    place = ((column + 0.5) / 28, (row + 0.5) / 28)
    weights = page.locator("[data-weights=diverging] canvas").nth(5)
    page.mouse.move(*middle(page, weights, *place))
    message = f"row {row + 1}, column {column + 1}: w = {theta[5, n]:.4f}"
    expect(note).to_have_text(message.replace("-", "−"))
    page.mouse.move(0, 0)
    expect(note).not_to_be_visible()
    page.locator("#samples button").nth(2).click()
    page.mouse.move(*middle(page, page.locator("#versus canvas").last, *place))
    w, x = theta[5, n] - theta[6, n], pixels[n]
    message = f"row {row + 1}, column {column + 1}: w·x = {w:.4f} · {x:.3f} = {w * x:.4f}"
    expect(note).to_have_text(message.replace("-", "−"))
    expect(note).to_be_in_viewport()


def test_a_reopened_dialog_is_scrolled_to_the_top(page: Page) -> None:
    dialog = page.locator("#explanation")
    for _ in range(2):
        page.locator("#samples button").first.click()
        assert dialog.evaluate("(dialog) => dialog.scrollTop") == 0
        dialog.evaluate("(dialog) => dialog.scrollTo(0, 300)")
        page.keyboard.press("Escape")


def stroke(page: Page, *places: tuple[float, float]) -> None:
    """Draw a line through `places`, as fractions of the canvas, and check `aria-busy`."""
    shown = page.locator("#drawing-verdict")
    on_screen = [middle(page, "#drawing-pad", x, y) for x, y in places]
    page.mouse.move(*on_screen[0])
    page.mouse.down()
    for place in on_screen[1:]:
        page.mouse.move(*place, steps=5)
    expect(shown).to_have_attribute("aria-busy", "true")
    page.mouse.up()
    expect(shown).to_have_attribute("aria-busy", "false")


def verdict(theta: FloatArray, image: NDArray[np.uint8]) -> str:
    """Return the text in which the report states the prediction of theta and its probability."""
    a = model.softmax(model.logits(theta, np.array([*image.flat, 255])[:, None]))[:, 0]
    k, rival = np.argsort(-a, kind="stable")[:2]
    sure, less = np.floor(100 * a[[k, rival]] + 0.5).astype(int)
    doubtful = f"{k}, but only {sure}% confident; then {rival} ({less}%)"
    return doubtful if sure < 50 else f"{k} ({sure}% confident)"


ONE = [(0.3, 0.1), (0.3, 0.7)]
DOT = [(0.9, 0.1), (0.9, 0.1)]
ACROSS_A_CORNER = [(0.7, 0.95), (1.1, 0.4)]


def test_a_drawing_is_normalized_like_mnist_and_classified(page: Page) -> None:
    """Compare with Python's `normalize`. Other tests compare `normalize` with its specification."""
    page.locator("#drawing-clear").click()
    theta = model.load(paths.WEIGHTS)
    nothing = [f"{a:.2%}" for a in model.softmax(theta[:, -1:])[:, 0]]
    probabilities = page.locator("#drawing-scores td:last-child")
    page.mouse.move(*middle(page, "#drawing-pad", 0.2, 0.2))
    page.mouse.down(button="right")  # draws nothing
    page.mouse.move(*middle(page, "#drawing-pad", 0.6, 0.6))
    page.mouse.up(button="right")
    assert not level(page.locator("#drawing-pad"), 3).any()
    assert probabilities.all_inner_texts() == nothing
    for places in (DOT, ONE, ACROSS_A_CORNER):
        stroke(page, *places)
        image = level(page.locator("#drawing-image"))
        assert image.max() > 250
        assert (image == normalize(level(page.locator("#drawing-pad"), 3))).all()
        z = model.logits(theta, np.array([*image.flat, 255])[:, None])
        assert probabilities.all_inner_texts() == [f"{a:.2%}" for a in model.softmax(z)[:, 0]]
        k = model.predict(z)[0]
        expect(page.locator("#drawing-verdict")).to_have_text(verdict(theta, image))
        terms = theta[k, :-1] * (image.ravel() / 255)
        assert_diverging(page.locator("#drawing-contributions"), terms)
    page.locator("#drawing-clear").click()
    assert probabilities.all_inner_texts() == nothing


def test_a_labeled_drawing_is_explained_and_counted_once(page: Page) -> None:
    answers, why = page.locator("#drawing-answers button"), page.locator("#drawing-why")
    title, scores = page.locator("#explanation-title"), page.locator("#drawing-scores")
    marked = scores.locator("tr:not(.other)")
    page.locator("#drawing-classes button").first.click()
    expect(answers.first).to_be_disabled()  # the label of a test image is known
    for drawing, right in ((1, 0), (2, 1)):
        page.locator("#drawing-clear").click()
        expect(why).to_be_disabled()
        expect(marked).to_have_count(0)
        stroke(page, *ONE)
        expect(marked).to_have_class("predicted")  # but not "right", because the label is unknown
        shown = [float(a.rstrip("%")) for a in scores.locator("td:last-child").all_inner_texts()]
        why.click()
        expect(title).to_have_text("Your drawing, classified as 1")
        rival = page.locator("#versus-title")  # the second
        expect(rival).to_have_text(f"Why 1 and not {np.argsort(shown)[-2]}?")
        expect(page.locator("#explained-scores .predicted th")).to_have_text("1")
        page.keyboard.press("Escape")
        for k, correct in ((9, right), (1, right + 1)):
            answers.nth(k).click()
            message = f"You: {correct} of {drawing} drawings classified correctly; test set: 84.61%"
            expect(page.locator("#drawing-count")).to_have_text(message)
            expect(page.locator("#explanation")).to_be_visible(visible=k == 9)
            expect(title).to_have_text("Your 9, classified as 1")
            page.keyboard.press("Escape")


def test_a_drawing_is_classified_with_other_weights_and_overlaid_on_a_class(page: Page) -> None:
    """Use weights of each epoch and of the browser. Choose a class by pointer and by focus."""
    epochs = [model.load(paths.EPOCH_WEIGHTS / f"{k}.safetensors") for k in range(6)]
    page.locator("#drawing-clear").click()
    stroke(page, *ACROSS_A_CORNER)
    program = """(theta) => document.dispatchEvent(new CustomEvent("trained", { detail: {
      weights: Float64Array.from(theta), label: ["number.0", { value: 7 }] } }))"""
    page.evaluate(program, epochs[1].ravel().tolist())
    pixels = level(page.locator("#drawing-image")).ravel()
    verdicts = [verdict(theta, pixels) for theta in epochs]
    shown = page.locator("#drawing-epochs li").all_inner_texts()
    assert shown == [f"epoch {k}: {text[0]}" for k, text in enumerate(verdicts)]
    expect(page.locator("#drawing-trained")).to_contain_text(f"Another model, 7: {verdicts[1]}")
    page.locator("#drawing-scores tr").nth(3).hover()
    for k in (3, 8):
        assert_diverging(page.locator("#drawing-map"), epochs[-1][k, :-1])
        assert_diverging(page.locator("#drawing-contributions"), epochs[-1][k, :-1] * pixels)
        page.locator("#drawing-clear").focus()
        expect(page.locator("#drawing-map")).not_to_be_visible()
        page.locator("#drawing-answers button").nth(8).focus()


def test_the_canvas_classifies_before_test_images_are_loaded(browser: Browser, file: Path) -> None:
    with browser.new_page(locale="en-GB") as page:
        page.add_init_script(
            """const { arrayBuffer } = Response.prototype;
               Response.prototype.arrayBuffer = async function () {
                 const bytes = await arrayBuffer.call(this);
                 return bytes.byteLength > 100_000 ? new Promise(() => {}) : bytes;
               };"""
        )
        page.goto(file.as_uri())
        expect(page.locator("#drawing-winner")).to_have_text("No pixel contributes")
        stroke(page, *ONE)
        expect(page.locator("#drawing-verdict")).to_have_text(re.compile("^1 "))


def test_test_images_are_chosen_by_keyboard(page: Page) -> None:
    """Press Enter on a class repeatedly: the canvas shows one test image after another."""
    images = idx.read(datasets.test_files("mnist")[0], 3)
    table, theta = pd.read_csv(paths.PREDICTIONS), model.load(paths.WEIGHTS)
    page.reload()
    page.locator("#content[aria-busy=false]").wait_for()
    assert (level(page.locator("#drawing-image")) == images[1802]).all()  # the lecture's first
    for k in (0, 9):
        right = table.query(f"label == prediction == {k}").filter(regex=r"^p\d").max(axis=1)
        page.locator(f"#drawing-classes [data-class='{k}']").focus()
        for index in right.sort_values(ascending=False, kind="stable").index[:2]:
            page.keyboard.press("Enter")
            assert (level(page.locator("#drawing-image")) == images[index]).all()
            expect(page.locator("#drawing-verdict")).to_have_text(verdict(theta, images[index]))
    stroke(page, *ONE)  # starts a new drawing instead of drawing over the image
    expect(page.locator("#drawing-verdict")).to_have_text(re.compile("^1 "))
