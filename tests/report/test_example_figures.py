"""The lesson's pictures: what a reader of SVG and PNG finds in them, and where."""

import base64
import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser

from softmax.core.batches import Dataset
from softmax.pipeline.params import Lesson
from softmax.report import examples
from softmax.report.examples import COLOURS, PAPER

SVG = "{http://www.w3.org/2000/svg}"
PARAMS = Lesson(seed=0, points=5, spread=0.16, epochs=40, learning_rate=2.0)
RED, GREEN, BLUE = COLOURS.values()


def parse(content: str) -> ET.Element:
    return ET.fromstring(examples.figure("", [("", content)]))  # noqa: S314 (ours)


def pixels(image: ET.Element) -> NDArray[np.int_]:
    """The RGB pixels of an embedded PNG."""
    _, encoded = image.attrib["href"].split(",")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")).astype(int)


def test_dots_lie_at_their_points_and_wrong_ones_have_a_dark_rim() -> None:
    data = Dataset(np.array([[-255, 3], [20, -100]]), np.array([2, 0], np.uint8), 3)
    blue, red = parse(examples.dots(data, np.array([True, False]))).iter(f"{SVG}circle")

    assert (blue.attrib["cx"], blue.attrib["cy"]) == ("-255", "-3")
    assert (red.attrib["cx"], red.attrib["cy"]) == ("20", "100")
    assert (blue.attrib["fill"], red.attrib["fill"]) == (f"rgb{BLUE}", f"rgb{RED}")
    assert (blue.attrib["stroke"], red.attrib["stroke"]) == ("#ffffff", "#1f2328")


def test_regions_have_the_winners_color_stronger_where_it_is_sure() -> None:
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
def test_forming_shows_the_points_then_first_and_last_epochs_with_verdicts(
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
    right = fitted[-1].training.correct
    assert captions[-1].endswith(f"loss {fitted[-1].training.loss:.3f}, {right} of 15 right")
    rims = [dot.attrib["stroke"] for dot in panels[-1].iter(f"{SVG}circle")]
    assert rims.count("#ffffff") == right


def test_surfaces_show_softmax_above_and_tell_how_far_the_sums_reach() -> None:
    data, lattice = examples.points(PARAMS), examples.lattice()
    a = examples.probabilities(examples.fit(data, PARAMS)[-1].theta, lattice)
    q = examples.logistic(examples.fit_logistic(data, PARAMS), lattice)
    tree = ET.fromstring(examples.surfaces(a, q))  # noqa: S314 (ours)
    *above, sums, red, green, blue, excesses = (pixels(image) for image in tree.iter(f"{SVG}image"))
    assert len(above) == 3
    assert (sums == 247).all()  # no excess
    for picture, color, p in zip((red, green, blue), COLOURS.values(), q, strict=True):
        assert abs(picture.reshape(-1, 3)[p.argmax()] - color).max() < 60
    excess = examples.totals(q) - 1
    least, most = (excesses.reshape(-1, 3)[n] for n in (excess.argmin(), excess.argmax()))
    assert [np.argmax(least), np.argmax(most)] == [2, 0]  # purple and orange
    captions = [(text.text or "").replace("−", "-") for text in tree.iter(f"{SVG}text")][1:]
    assert captions[7] == f"sum minus 1: {excess.min():+.2g} to {excess.max():+.2g}"
    for end in captions[3].removeprefix("sum minus 1: ").split(" to "):
        assert abs(float(end)) < 1e-15


def test_nothing_in_a_picture_lies_over_another_panel(browser: Browser) -> None:
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
