"""Compare the lecture's examples and the lesson with plain NumPy, and check the figures."""

import base64
import io
import math
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.report import LESSON, LESSON_DATA
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser
from scipy import special

from softmax.core import model
from softmax.core.arrays import FloatArray
from softmax.core.batches import Dataset
from softmax.pipeline import files
from softmax.pipeline.params import Lesson
from softmax.report import examples
from softmax.report.examples import COLORS, PAPER, Example
from softmax.training import randomness

EXAMPLES = {example.name: example for example in examples.examples()}


def test_inputs_and_results_match_the_lectures() -> None:
    points = [[-0.1, 1.4], [1.3, 0.9], [-1.4, -1.1]]
    lecture: dict[str, Any] = {
        "weights": [[0.31, 3.95], [7.07, -0.23], [-6.27, -2.35]],
        "biases": [1.2, 2.93, -4.14],
        "points": np.transpose(points),
        "predictions": [[0.9, 0.1, 0.1], [0.1, 0.8, 0.2], [0, 0.1, 0.7]],
        "scores": [6.699, 1.901, -6.803],
        "sigmoids": [0.999, 0.870, 0.001],
        "probabilities": [0.992, 0.008, 0.000],
        "cross-entropy": [4.806],  # by hand: log(e^6.699 + e^1.901 + e^-6.803) - 1.901
        "likelihoods": [0.9, 0.8, 0.7],
        "likelihood of all": [0.504],
    }
    for name, numbers in lecture.items():
        assert EXAMPLES[name].value == pytest.approx(np.array(numbers), abs=5e-4), name
    predicted = model.predict(model.logits(examples.THETA, examples.EXAMPLE_POINTS))
    assert predicted.tolist() == [0, 1, 2]  # the lecture's model is correct


def test_only_derivatives_have_finite_differences() -> None:
    differences = {name: e.differences for name, e in EXAMPLES.items() if e.differences is not None}
    assert list(differences) == list(EXAMPLES)[-6:]
    for name, slope in differences.items():
        assert slope.shape == EXAMPLES[name].value.shape
        np.testing.assert_allclose(slope, EXAMPLES[name].value, atol=1e-6, err_msg=name)
        assert (slope != EXAMPLES[name].value).any(), name


def test_the_table_shows_values_and_the_maximum_difference() -> None:
    value, differences = np.array([[1.0, -0.25], [1e-9, 1 / 3]]), np.array([[1, -0.5], [0, 1 / 3]])
    chosen = [Example("name", "y = x", value, differences), Example("b", "b", np.array([1.2, 2]))]
    assert files.to_csv(examples.examples_table(chosen)).decode().splitlines()[1:] == [
        "name,y = x,1 -0.25; 1e-09 0.333333,0.25",
        "b,b,1.2 2,",
    ]


def columns(data: Dataset) -> FloatArray:
    """Return x and 1 of each point as columns, not multiplied by 255: (3, n)."""
    return np.column_stack([data.images / 255, np.ones(len(data.images))]).T


def test_points_match_the_specification() -> None:
    """Follow the specification in docs/arithmetic.md, "The lesson"."""
    changes = {"seed": 2**64 - 1, "points": 7, "spread": 0.19}
    data = examples.points(LESSON.model_copy(update=changes))
    words = np.random.Philox(key=np.full(2, 2**64 - 1, np.uint64)).random_raw(18 * 7)
    noise = (np.ldexp(words >> 11, -52) - 1).reshape(3, -1, 2).sum(axis=0)
    centres = np.repeat([(0, 102), (87, -51), (-87, -51)], 7, axis=0)
    assert (data.images == np.rint(centres + noise * (0.19 * 255))).all()
    assert data.labels.tolist() == [0] * 7 + [1] * 7 + [2] * 7


def test_the_farthest_points_are_inside_the_square(monkeypatch: pytest.MonkeyPatch) -> None:
    extreme = LESSON.model_copy(update={"spread": 0.2})
    for noise, farthest in ((1.0, 255), (-1.0, 240)):
        monkeypatch.setattr(randomness, "uniform", lambda count, *_, u=noise: np.full(count, u))
        assert abs(examples.points(extreme).images).max() == farthest


def test_the_lattice_covers_the_square_from_the_top_left() -> None:
    places = examples.lattice().images
    assert places[[0, 1, 256, -1]].tolist() == [[-255, 255], [-253, 255], [-255, 253], [255, -255]]
    assert len(np.unique(places, axis=0)) == 256 * 256


def test_logistic_regressions_match_plain_numpy() -> None:
    """Train one row of weights in NumPy, which starts at the difference of two classes."""
    x, pairs = columns(LESSON_DATA), examples.fit_logistic(LESSON_DATA, LESSON)
    expected = []
    for k in range(3):
        start = randomness.initial_weights(2, seed=0, classes=2)
        theta = start[1] - start[0]
        for _ in range(40):
            theta = theta - 2.0 * (special.expit(theta @ x) - (LESSON_DATA.labels == k)) @ x.T / 150
        np.testing.assert_allclose(pairs[k][1] - pairs[k][0], theta, atol=1e-6)
        expected.append(special.expit(theta @ x))

    np.testing.assert_allclose(examples.logistic(pairs, LESSON_DATA), expected, atol=1e-6)


def test_all_allowed_params_stay_in_the_range_of_exact_sums() -> None:
    """Check a bound for the longest training with the highest rate, and run this training."""
    most = 3 * (1 / math.sqrt(2) + 1000 * 10)
    assert most < model.MAX_ROW_SUM
    assert 3000 * (2 * most + math.log(3)) < 2**29

    changes = {"points": 1, "spread": 0.2, "epochs": 1000, "learning_rate": 10.0}
    extreme = Lesson.model_validate(LESSON.model_dump() | changes)
    *_, last = examples.fit(examples.points(extreme), extreme)
    assert abs(last.theta).sum(axis=1).max() < most


def test_the_table_of_points_has_the_predictions_of_both_models() -> None:
    theta = examples.fit(LESSON_DATA, LESSON)[-1].theta
    pairs = examples.fit_logistic(LESSON_DATA, LESSON)
    table = pd.DataFrame(examples.points_table(LESSON_DATA, theta, pairs))
    assert table[["x1", "x2"]].to_numpy().tolist() == LESSON_DATA.images.tolist()
    assert (table["label"] == LESSON_DATA.labels).all()
    softmax = special.softmax(theta @ columns(LESSON_DATA), axis=0)
    np.testing.assert_allclose(table[["p0", "p1", "p2"]].T, softmax, atol=1e-9)
    assert (table["prediction"] == softmax.argmax(axis=0)).all()
    logistic = examples.logistic(pairs, LESSON_DATA)
    np.testing.assert_allclose(table[["q0", "q1", "q2"]].T, logistic, atol=1e-9)
    np.testing.assert_allclose(table["q_sum"], logistic.sum(axis=0), atol=1e-9)


SVG = "{http://www.w3.org/2000/svg}"
PARAMS = LESSON.model_copy(update={"points": 5})
RED, GREEN, BLUE = COLORS.values()


def parse(content: str) -> ET.Element:
    return ET.fromstring(examples.figure("", [("", content)]))  # noqa: S314 (ours)


def pixels(image: ET.Element) -> NDArray[np.int_]:
    """Return the RGB pixels of an embedded PNG."""
    _, encoded = image.attrib["href"].split(",")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")).astype(int)


def test_dots_are_at_their_points_and_misclassified_ones_have_a_dark_rim() -> None:
    data = Dataset(np.array([[-255, 3], [20, -100]]), np.array([2, 0], np.uint8), 3)
    blue, red = parse(examples.dots(data, np.array([True, False]))).iter(f"{SVG}circle")

    assert (blue.attrib["cx"], blue.attrib["cy"]) == ("-255", "-3")
    assert (red.attrib["cx"], red.attrib["cy"]) == ("20", "100")
    assert (blue.attrib["fill"], red.attrib["fill"]) == (f"rgb{BLUE}", f"rgb{RED}")
    assert (blue.attrib["stroke"], red.attrib["stroke"]) == ("#ffffff", "#1f2328")


def test_regions_have_the_color_of_the_predicted_class_by_confidence() -> None:
    red = np.array([0.9, 0.9, 0.4] * 3)
    (image,) = parse(examples.regions(np.stack([red, 0 * red, 0.9 - red]))).iter(f"{SVG}image")
    place = [image.attrib[name] for name in ("x", "y", "width", "height")]
    assert place == ["-256", "-256", "512", "512"]  # all of the square
    sure, border, unsure = pixels(image)[1]
    assert tuple(border) == PAPER
    assert [np.argmax(sure), np.argmax(unsure)] == [0, 2]
    assert np.ptp(sure) > np.ptp(unsure) > 0


@pytest.mark.parametrize(
    ("epochs", "shown"), [(1, [1]), (3, [1, 2, 3]), (100, [1, 2, 5, 10, 20, 50, 100])]
)
def test_the_training_figure_shows_points_then_first_and_last_epochs(
    epochs: int, shown: list[int]
) -> None:
    params = PARAMS.model_copy(update={"epochs": epochs})
    data = examples.points(params)
    fitted = examples.fit(data, params)
    tree = ET.fromstring(examples.forming(data, fitted))  # noqa: S314 (ours)
    _, points, *panels = tree.iter(f"{SVG}svg")
    captions = [text.text or "" for text in tree.findall(f"{SVG}text")][2:]
    assert len(list(points.iter(f"{SVG}circle"))) == 15
    assert [int(caption.split()[1].rstrip(":")) for caption in captions] == shown
    correct = fitted[-1].training.correct
    assert captions[-1].endswith(f"loss {fitted[-1].training.loss:.3f}, {correct} of 15 correct")
    rims = [dot.attrib["stroke"] for dot in panels[-1].iter(f"{SVG}circle")]
    assert rims.count("#ffffff") == correct


def test_surfaces_show_softmax_on_top_and_the_range_of_the_sums() -> None:
    data, lattice = examples.points(PARAMS), examples.lattice()
    a = examples.probabilities(examples.fit(data, PARAMS)[-1].theta, lattice)
    q = examples.logistic(examples.fit_logistic(data, PARAMS), lattice)
    tree = ET.fromstring(examples.surfaces(a, q))  # noqa: S314 (ours)
    *above, sums, red, green, blue, excesses = (pixels(image) for image in tree.iter(f"{SVG}image"))
    assert len(above) == 3
    assert (sums == 247).all()  # no excess
    for picture, color, p in zip((red, green, blue), COLORS.values(), q, strict=True):
        assert abs(picture.reshape(-1, 3)[p.argmax()] - color).max() < 60
    excess = examples.totals(q) - 1
    least, most = (excesses.reshape(-1, 3)[n] for n in (excess.argmin(), excess.argmax()))
    assert [np.argmax(least), np.argmax(most)] == [2, 0]  # purple and orange
    captions = [(text.text or "").replace("−", "-") for text in tree.iter(f"{SVG}text")][1:]
    assert captions[7] == f"sum minus 1: {excess.min():+.2g} to {excess.max():+.2g}"
    for end in captions[3].removeprefix("sum minus 1: ").split(" to "):
        assert abs(float(end)) < 1e-15


def test_panels_of_a_figure_do_not_overlap(browser: Browser) -> None:
    params = PARAMS.model_copy(update={"points": 50, "epochs": 100})
    data = examples.points(params)
    with browser.new_page() as page:
        page.set_content(examples.forming(data, examples.fit(data, params)).decode())
        left, top, width, height = np.transpose(
            page.locator("body > svg > text, body > svg > svg > rect").evaluate_all(
                """(all) => all.map((one) => one.getBoundingClientRect()).map(
                     ({ left, top, width, height }) => [left, top, width, height])"""
            )
        )
    beside = left >= (left + width)[:, None]
    below = top >= (top + height)[:, None]
    assert len(left) == 17  # a title, and eight squares and captions
    assert (beside | beside.T | below | below.T | np.eye(17, dtype=bool)).all()
