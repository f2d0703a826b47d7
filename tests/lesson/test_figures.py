"""The lesson's pictures: what a reader of SVG and PNG finds in them, and where."""

import base64
import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser

from softmax.core.data import Dataset
from softmax.lesson import figures, plane
from softmax.lesson.figures import COLOURS, INK, PAPER, Panel
from softmax.pipeline.params import Lesson

SVG = "{http://www.w3.org/2000/svg}"
PARAMS = Lesson(seed=0, points=5, spread=0.16, epochs=40, learning_rate=2.0)
RED, GREEN, BLUE = COLOURS.values()


def parse(content: str | bytes) -> ET.Element:
    """A picture, or the content of a panel, as a tree."""
    if isinstance(content, str):
        content = figures.figure("", [Panel("", content)])
    return ET.fromstring(content)  # noqa: S314 (ours)


def pixels(image: ET.Element) -> NDArray[np.uint8]:
    """The RGB pixels of an embedded PNG."""
    _, encoded = image.attrib["href"].split(",")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB"))


def only_map(content: str) -> NDArray[np.uint8]:
    """The RGB pixels of a panel's map, which fills the square."""
    (image,) = parse(content).iter(f"{SVG}image")
    place = [image.attrib[name] for name in ("x", "y", "width", "height")]
    assert place == ["-256", "-256", "512", "512"]
    return pixels(image)


def tables(*rows: list[float]) -> NDArray[np.float64]:
    """Values for a small lattice of 3 x 3, (9,)."""
    return np.array(rows).ravel()


def test_dots_lie_at_their_points_and_wrong_ones_have_a_dark_rim() -> None:
    data = Dataset(np.array([[-255, 3], [20, -100]]), np.array([2, 0], np.uint8), 3)
    blue, red = parse(figures.dots(data, np.array([True, False]))).iter(f"{SVG}circle")

    assert (blue.attrib["cx"], blue.attrib["cy"]) == ("-255", "-3")
    assert (red.attrib["cx"], red.attrib["cy"]) == ("20", "100")
    assert (blue.attrib["fill"], red.attrib["fill"]) == (f"rgb{BLUE}", f"rgb{RED}")
    assert (blue.attrib["stroke"], red.attrib["stroke"]) == ("#ffffff", "#1f2328")


def test_regions_have_the_winners_color_stronger_where_it_is_sure() -> None:
    red = tables([0.9, 0.9, 0.4], [0.9, 0.9, 0.4], [0.9, 0.9, 0.4])
    picture = only_map(figures.regions(np.stack([red, 0 * red, 0.9 - red])))
    sure, border, unsure = picture[1].astype(int)

    assert tuple(border) == PAPER
    assert np.argmax(sure) == 0
    assert np.argmax(unsure) == 2
    assert np.ptp(sure) > np.ptp(unsure) > 0


def test_a_border_is_one_cell_wide_whichever_way_it_runs() -> None:
    rising, falling = np.eye(9)[::-1].cumsum(axis=1), np.eye(9).cumsum(axis=1)
    for area in (rising, falling, 1 - rising, 1 - falling):
        picture = only_map(figures.surface(area.ravel(), "red"))
        line = (picture == INK).all(axis=-1)
        assert line.sum() in (8, 9)
        assert not (line & (area > 0)).any()


def test_surfaces_go_from_white_to_the_color_with_a_line_at_one_half() -> None:
    p = tables([0, 0.25, 1], [0, 0.4, 0.6], [0, 0.25, 1])
    picture = only_map(figures.surface(p, "green"))

    assert picture[:, 0].tolist() == [list(PAPER)] * 3
    assert picture[:, 1].tolist() == [list(INK)] * 3
    assert picture[0, 2].tolist() == list(GREEN)
    assert (picture[1, 2] > picture[0, 2]).all()


def test_deviations_are_white_at_zero_and_full_at_the_largest() -> None:
    picture = only_map(figures.deviation(tables([0, 0.5, -0.5], [0, 0, 0], [0, 0.25, -0.25]), 0.5))

    assert picture[0].tolist() == [[247] * 3, [230, 97, 1], [94, 60, 153]]


def test_panels_stand_in_rows_and_do_not_overlap() -> None:
    tree = parse(figures.figure("title", [Panel(str(k), "") for k in range(9)]))
    squares = [element.attrib for element in tree.iter(f"{SVG}svg")][1:]
    x, y, width, height = (
        np.array([int(square[name]) for square in squares])
        for name in ("x", "y", "width", "height")
    )

    assert (np.diff(x[:4]) > width[0]).all()
    assert (x[4:8] == x[:4]).all()
    assert (np.diff(y[::4]) > height[0]).all()
    assert (width == height).all()
    assert (x + width).max() <= int(tree.attrib["width"])
    assert (y + height).max() <= int(tree.attrib["height"])


@pytest.mark.parametrize(
    ("epochs", "shown"),
    [(1, [1]), (3, [1, 2, 3]), (40, [1, 2, 5, 10, 20, 40]), (100, [1, 2, 5, 10, 20, 50, 100])],
)
def test_forming_shows_the_points_then_first_and_last_epochs_with_verdicts(
    epochs: int, shown: list[int]
) -> None:
    params = PARAMS.model_copy(update={"epochs": epochs})
    data = plane.points(params)
    fitted = plane.fit(data, params)
    tree = parse(figures.forming(data, fitted))
    _, points, *panels = tree.iter(f"{SVG}svg")
    captions = [text.text or "" for text in tree.findall(f"{SVG}text")][2:]

    assert len(list(points.iter(f"{SVG}circle"))) == 15
    assert [int(caption.split()[1].rstrip(":")) for caption in captions] == shown
    right = fitted[-1].training.correct
    assert captions[-1].endswith(f"loss {fitted[-1].training.loss:.3f}, {right} of 15 right")
    rims = [dot.attrib["stroke"] for dot in panels[-1].iter(f"{SVG}circle")]
    assert rims.count("#ffffff") == right


def test_surfaces_show_softmax_above_and_tell_how_far_the_sums_reach() -> None:
    data, lattice = plane.points(PARAMS), plane.lattice()
    *_, last = plane.fit(data, PARAMS)
    a = plane.probabilities(last.theta, lattice)
    q = plane.logistic(plane.fit_logistic(data, PARAMS), lattice)
    tree = parse(figures.surfaces(a, q))
    maps = [pixels(image) for image in tree.iter(f"{SVG}image")]
    excess = plane.totals(q) - 1

    assert len(maps) == 8
    assert (maps[3] == 247).all()
    assert len(np.unique(maps[7].reshape(-1, 3), axis=0)) > 100
    for k, colour in enumerate(COLOURS.values()):
        best = int(q[k].argmax())
        assert abs(maps[4 + k].reshape(-1, 3)[best].astype(int) - colour).max() < 60
    captions = [(text.text or "").replace("−", "-") for text in tree.iter(f"{SVG}text")][1:]
    assert captions[7] == f"sum minus 1: {excess.min():+.2g} to {excess.max():+.2g}"
    for end in captions[3].removeprefix("sum minus 1: ").split(" to "):
        assert abs(float(end)) < 1e-15


def test_captions_end_before_the_next_begin(browser: Browser) -> None:
    params = PARAMS.model_copy(update={"points": 50, "epochs": 100})
    data, lattice = plane.points(params), plane.lattice()
    fitted = plane.fit(data, params)
    p = plane.probabilities(fitted[-1].theta, lattice)
    with browser.new_page() as page:
        for picture in (figures.forming(data, fitted), figures.surfaces(p, p)):
            page.set_content(picture.decode())
            captions = page.locator("body > svg > text").evaluate_all(
                "(texts) => texts.map((text) => text.getBBox().width)"
            )[1:]
            assert len(captions) == 8
            assert max(captions) + 13 < figures.PITCH_X  # the height of a letter between them
