"""Test that the report presents the lecture's ideas in order, with correct numbers."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.report import GIVEN, LESSON, LESSON_DATA, middle, number, opened
from playwright.sync_api import Browser, Locator, Page, expect
from scipy import special

from softmax.core import batches, idx, model
from softmax.core.arrays import FloatArray
from softmax.pipeline import datasets, paths
from softmax.report import document, examples, mathml

THETA = examples.THETA
POINTS = examples.EXAMPLE_POINTS


def put(page: Page, section: str, name: str) -> FloatArray:
    """Return all numbers #name and #name.* of a section, in document order."""
    named = f"[data-number='{name}'], [data-number^='{name}.']"
    places = page.locator(f"#{section}").locator(named)
    return np.array([number(text) for text in places.all_text_contents()])


def test_formulas_use_the_embedded_font(browser: Browser, file: Path) -> None:
    """Check formulas of all optimizers and numbers in both languages, except powers of ten."""
    step = (document.DIRECTORY / "templates/step.html.j2").read_text("utf-8")
    steps = [mathml.math(formula) for formula in re.findall('"([^"]*←[^"]*)"', step)]
    text = "".join([file.read_text("utf-8"), *steps])
    symbols = {*re.findall("<m[ino][^>]*>[^<]+</m[ino]>", text), "<mn>0123456789.,−·</mn>"}
    with opened(browser, file) as page:
        fill = "(body, symbols) => (body.innerHTML = `<math>${symbols}`)"
        page.locator("body").evaluate(fill, "".join(symbols))
        client = page.context.new_cdp_session(page)
        client.send("DOM.enable")
        client.send("CSS.enable")
        root = client.send("DOM.getDocument")["root"]["nodeId"]
        found = client.send("DOM.querySelectorAll", {"nodeId": root, "selector": "math *"})
        for node in found["nodeIds"]:
            (font,) = client.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
            assert font["isCustomFont"], client.send("DOM.getOuterHTML", {"nodeId": node})


def test_the_lectures_points_have_one_hot_labels(page: Page) -> None:
    numbers = page.locator("#labels .formulas mtable mn").all_text_contents()
    shown = np.array([number(text) for text in numbers]).reshape(3, 5)
    np.testing.assert_array_equal(shown[:, :2], POINTS[:-1].T / 255)
    np.testing.assert_array_equal(shown[:, 2:], np.eye(3))


def test_the_pointer_shows_the_values_of_all_surfaces(page: Page) -> None:
    canvas = page.locator("[data-surfaces='softmax'] canvas").first
    page.mouse.move(*middle(page, canvas, 0.75, 0.25))
    message = page.locator("#contrast-here").inner_text().replace("−", "-")
    x1, x2, *numbers = map(float, re.findall(r"-?\d\.\d\d", message))
    assert (x1, x2) == pytest.approx((0.5, 0.5), abs=0.03)
    thetas = examples.fit_logistic(LESSON_DATA, LESSON)
    point = batches.Dataset(np.array([[x1, x2]]) * 255, np.zeros(1, np.uint8), 3)
    q = examples.logistic(thetas, point)[:, 0]
    theta = model.load(paths.LESSON_WEIGHTS)
    a = examples.probabilities(theta, point)[:, 0]
    np.testing.assert_allclose(numbers, [*q, q.sum(), *a, 1], atol=0.02)  # the shown x is rounded


def test_scores_and_probabilities_are_correct_at_any_point(page: Page) -> None:
    for k, x in enumerate(POINTS.T[:, :, None]):
        page.locator(f"#softmax [data-point='{k}']").click()
        pressed = page.locator("#softmax [aria-pressed='true']")
        assert pressed.get_attribute("data-point") == str(k)
        z = model.logits(THETA, x)
        np.testing.assert_allclose(put(page, "softmax", "x")[:2], x[:-1, 0] / 255)
        np.testing.assert_allclose(put(page, "softmax", "z"), z[:, 0], atol=5e-4)
        np.testing.assert_allclose(put(page, "softmax", "a"), model.softmax(z)[:, 0], atol=5e-4)
        np.testing.assert_allclose(put(page, "softmax", "e"), np.exp(z[:, 0]), rtol=5e-3)
        np.testing.assert_allclose(put(page, "softmax", "total"), np.exp(z).sum(), rtol=5e-4)
        sums = page.locator("#softmax tfoot td").all_text_contents()[2:]
        assert sums[0] == "1.000"
        assert number(sums[1]) == pytest.approx((1 / (1 + np.exp(-z))).sum(), abs=5e-4)
    page.locator("#softmax-x1").focus()
    page.keyboard.press("ArrowRight")
    z = model.logits(THETA, np.add(x, [[25.5], [0.0], [0.0]]))  # by a tenth
    np.testing.assert_allclose(put(page, "softmax", "z"), z[:, 0], atol=5e-4)
    assert pressed.count() == 0
    assert page.locator("#gradient-x1").input_value() == "-1.3"  # both sections show the point


def test_a_better_prediction_has_higher_likelihood_and_lower_loss(page: Page) -> None:
    right = put(page, "likelihood", "labelProbabilities")
    np.testing.assert_array_equal(right, [0.9, 0.9, 0.8, 0.8, 0.7, 0.7, 0.9, 0.8, 0.7])
    losses = put(page, "likelihood", "losses")
    np.testing.assert_allclose(losses, -np.log([0.9, 0.8, 0.7]), atol=5e-4)
    predictions = examples.PREDICTIONS.T.copy()
    for second, all_right in (([0.1, 0.8, 0.1], 0.504), ([0.2, 0.6, 0.2], 0.378)):  # the lecture's
        page.locator("#likelihood-better").fill(str(second[1]))
        predictions[1] = second
        shown = put(page, "likelihood", "p").reshape(3, 2, 3)[:, 0]
        np.testing.assert_allclose(shown, predictions)
        np.testing.assert_allclose(put(page, "likelihood", "likelihood"), [all_right])
        np.testing.assert_allclose(put(page, "likelihood", "cost"), [-np.log(all_right)], atol=5e-4)
    dot = page.locator("#likelihood-dot")
    place = [float(dot.get_attribute(name) or "") for name in ("cx", "cy")]
    np.testing.assert_allclose(place, [120, 100 + 25 * np.log(0.6)])


@pytest.mark.parametrize(("k", "label"), [(0, 1), (2, 0)])
def test_each_factor_of_the_gradient_is_correct(page: Page, k: int, label: int) -> None:
    page.locator(f"#gradient [data-point='{k}']").click()
    page.locator(f"#gradient [data-y='{label}']").click()
    x, y = POINTS[:, [k]], np.eye(3)[:, [label]]
    z = model.logits(THETA, x)
    a = model.softmax(z)
    dz = model.residuals(a, y)
    gradient = model.mean_gradient(model.gradient_sum(dz, x), 1)
    step = THETA - LESSON.learning_rate * gradient
    loss, after = (model.cross_entropy(scores, y)[0] for scores in (z, model.logits(step, x)))
    for name, values in {
        "jacobian": examples.jacobian(a),
        "dz": np.tile(dz[:, 0], 3),
        "dW": gradient[:, :-1],
    }.items():
        np.testing.assert_allclose(put(page, "gradient", name), np.ravel(values), atol=5.1e-4)
    np.testing.assert_allclose(put(page, "gradient", "da"), (-y / a)[:, 0], rtol=5e-3)
    assert put(page, "gradient", "loss")[0] == pytest.approx(loss, rel=1e-3)
    following = [*step[:, :-1].flat, *step[:, -1]]
    np.testing.assert_allclose(put(page, "gradient", "next"), following, atol=5.1e-4)
    message = page.locator("#gradient-after").inner_text()
    assert message.endswith(f"the loss at this point goes from {loss:.4f} to {after:.4f}.")


def test_a_label_with_probability_near_zero_has_finite_derivatives(page: Page) -> None:
    page.locator("#gradient-x1").fill("2")
    page.locator("#gradient-x2").fill("-2")
    page.locator("#gradient [data-y='2']").click()
    z = THETA @ [2, -2, 1]
    slope = put(page, "gradient", "da")[2]
    assert slope == pytest.approx(-np.exp(z[1] - z[2]), rel=1e-3)  # a itself rounds to 0


def lit(place: Locator) -> list[str]:
    """Return the terms that are highlighted in `place`."""
    return place.locator(".lit").evaluate_all("(all) => all.map((one) => one.dataset.term)")


def test_a_term_highlights_its_parts_by_pointer_and_keyboard(page: Page) -> None:
    section = page.locator("#gradient")
    section.locator("[data-symbols] [data-term='az']").hover()
    assert lit(section.locator(".graph")) == ["az"] * 3
    expect(section.locator("[data-meaning]")).to_contain_text("each probability changes")
    page.locator("#lesson [data-symbols] [data-term='α']").first.hover()
    assert lit(section) == []
    expect(section.locator("[data-meaning]")).to_contain_text("Point at a symbol")
    expect(page.locator("#lesson label.lit")).to_have_text("Learning rate α")
    page.mouse.move(0, 0)
    section = page.locator("#softmax")
    symbols, meaning = section.locator("[data-symbols]"), section.locator("[data-meaning]")
    symbols.locator("[tabindex='0']").focus()
    expect(meaning).to_contain_text("the scores")
    page.keyboard.press("ArrowRight")
    expect(meaning).to_contain_text("the weights")
    assert set(lit(symbols)) == {"W"}
    numbers = section.locator("mtable.lit mn:not([data-number])").all_text_contents()
    assert "0.31" in numbers
    assert "1.2" not in numbers  # of b
    assert symbols.locator("[tabindex='0']").count() == 1
    page.keyboard.press("Tab")
    assert lit(section) == []


def test_each_symbol_has_one_color(page: Page) -> None:
    found = page.locator(":is(math, table, .graph) :is([data-term], [data-symbol])").evaluate_all(
        """(all) => all.map((one) =>
             [one.dataset.symbol ?? one.dataset.term, getComputedStyle(one).color])"""
    )
    colors = {tuple(pair) for pair in found if pair[0] in set("WbxzayL")}
    assert len(colors) == len(dict(colors)) == len({color for _, color in colors}) == 7


def test_the_lectures_losses_and_biases_are_beside_the_pipelines(page: Page) -> None:
    rows = page.locator("#lecture tbody tr")
    shown = [re.findall(r"[−\d.]+", row) for row in rows.all_text_contents()]
    assert shown[0][0] == "84.77"
    ours = pd.read_csv(paths.LOSSES).set_index(["epoch", "batch"])["loss"]
    losses = [[*map(str, at), f"{x:.2f}", f"{ours[*at]:.2f}"] for *at, x in GIVEN["losses"]]
    assert shown[1:20] == losses
    biases = np.column_stack([GIVEN["biases"], model.load(paths.WEIGHTS)[:, -1]])
    numbers = [[*map(number, row[1:])] for row in shown[20:]]
    np.testing.assert_allclose(numbers, biases, atol=5.1e-5)


def test_each_of_the_lectures_images_is_shown_once_with_its_scores_and_ours(page: Page) -> None:
    theta, images = model.load(paths.WEIGHTS), idx.read(datasets.test_files("mnist")[0], 3)
    cards = page.locator("#samples article").all()
    for card, (k, theirs) in zip(cards, GIVEN["images"].items(), strict=True):
        z, a = theirs["scores"], theirs["probabilities"]
        np.testing.assert_allclose(special.softmax(z), a, atol=5e-5)  # both are from the slides
        message = f"predicted {np.argmax(z)} with probability {max(a):.0%}; our models"
        expect(card.locator("h3")).to_have_text(f"Test image {k}")
        expect(card.locator("p")).to_contain_text(message)
        ours = model.logits(theta, np.append(images[int(k)], 255.0)[:, None])
        cells = card.locator("td").all_inner_texts()
        shown = np.array([number(text.rstrip("%")) for text in cells]).reshape(-1, 2, 2)
        shown[..., 1] /= 100
        both = [model.softmax(ours)[:, 0], a]
        np.testing.assert_allclose(shown, np.transpose([[ours[:, 0], z], both]), atol=5.1e-4)
        assert theirs["seeds"][0] - 0.005 <= both[0].max() <= theirs["seeds"][1] + 0.005
