"""What a reader does on the page, and what it answers: the live lesson and the drawn digit."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from clones import Clone
from numpy.typing import NDArray
from playwright.sync_api import Browser, Locator, Page, expect

from softmax.core import model
from softmax.core.data import Dataset
from softmax.lesson import plane
from softmax.pipeline import params, paths
from softmax.pipeline.params import Lesson

Doubles = NDArray[np.float64]


@pytest.fixture
def page(browser: Browser, pipeline: Clone) -> Iterator[Page]:
    """The page that the pipeline wrote, in English."""
    with browser.new_context(locale="en-GB") as context:
        page = context.new_page()
        page.goto((pipeline.folder / paths.REPORT).as_uri())
        yield page


@pytest.fixture
def lecture(pipeline: Clone) -> Lesson:
    return params.load(pipeline.folder / params.PATH).lesson


def in_python(data: Dataset, chosen: Lesson) -> str:
    """The SHA-256 of the weights that Python gets."""
    return hashlib.sha256(model.to_bytes(plane.fit(data, chosen)[-1].theta)).hexdigest()


def in_the_page(page: Page) -> str:
    return page.locator("#lesson-hash").text_content() or ""


def points(page: Page, data: Dataset) -> Dataset:
    """`data` as it now lies on the page."""
    places = page.locator(".point").evaluate_all(
        "(points) => points.map((point) => point.getAttribute('transform'))"
    )
    numbers = [re.findall(r"-?\d+", place) for place in places]
    return data._replace(images=np.array(numbers, np.int16) * [1, -1])


def changes(page: Page) -> list[str]:
    return page.locator("#lesson-changes li").all_inner_texts()


def test_the_page_trains_to_the_bytes_of_the_pipeline(page: Page, pipeline: Clone) -> None:
    locked = hashlib.sha256((pipeline.folder / paths.LESSON_WEIGHTS).read_bytes()).hexdigest()

    assert in_the_page(page) == page.locator("#lesson-python").text_content() == locked
    expect(page.locator("#lesson-verdict")).to_contain_text("Equal")
    assert changes(page) == []


def test_the_page_says_so_if_bytes_differ(
    browser: Browser, pipeline: Clone, tmp_path: Path
) -> None:
    html = (pipeline.folder / paths.REPORT).read_text(encoding="utf-8")
    locked = hashlib.sha256((pipeline.folder / paths.LESSON_WEIGHTS).read_bytes()).hexdigest()
    other = tmp_path / "index.html"
    other.write_text(html.replace(locked, "0" * 64), encoding="utf-8")
    page = browser.new_page(locale="en-GB")
    page.goto(other.as_uri())

    assert in_the_page(page) == locked
    expect(page.locator("#lesson-verdict")).to_contain_text("should be impossible")
    page.close()


@pytest.mark.parametrize(
    ("place", "rate", "epoch"), [("-1", 0.1, 1), ("1", 10.0, 77), ("3", 1000.0, 100)]
)
def test_other_rates_and_epochs_are_those_of_python(
    page: Page, lecture: Lesson, place: str, rate: float, epoch: int
) -> None:
    page.locator("#lesson-rate").fill(place)
    page.locator("#lesson-epoch").fill(str(epoch))

    chosen = lecture.model_copy(update={"learning_rate": rate, "epochs": epoch})
    assert in_the_page(page) == in_python(plane.points(lecture), chosen)
    expect(page.locator("#lesson-verdict")).to_contain_text("another training")
    assert page.locator("#lesson-rate").get_attribute("aria-valuetext") == f"{rate:,g}"
    assert changes(page) == [
        f"the learning rate is {rate:,g} instead of 2",
        f"this is epoch {epoch} instead of 40",
    ]
    page.locator("#lesson-reset").click()
    expect(page.locator("#lesson-verdict")).to_contain_text("Equal")


def test_training_diverges_at_a_rate_that_can_be_reached(page: Page) -> None:
    """As the page proposes: with a red point among the blue ones."""
    surface = page.locator("#lesson-plane")
    surface.scroll_into_view_if_needed()
    box = surface.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.27, box["y"] + box["height"] * 0.585)
    page.locator("[data-add='0']").click()
    page.locator("#lesson-rate").fill("2.7")
    assert page.locator("#lesson-rate-value").inner_text() == "500"
    losses = []
    for epoch in (2, *range(90, 101)):
        page.locator("#lesson-epoch").fill(str(epoch))
        said = re.search(r"loss (\S+),", page.locator("#lesson-score").inner_text())
        losses.append(float(said[1]) if said else 0)
    assert losses[0] > 50
    assert min(losses[1:]) > 0.7  # at a rate of 2, it is 0.2
    assert np.ptp(losses[1:]) > 0.05


def test_epochs_are_scrubbed_without_training_anew(page: Page) -> None:
    page.evaluate(
        """async () => {
          const curve = document.getElementById("lesson-curve");
          window.drawn = 0;
          new MutationObserver(() => (window.drawn += 1)).observe(curve, { attributes: true });
        }"""
    )
    for epoch in ("3", "77", "40"):
        page.locator("#lesson-epoch").fill(epoch)
    assert page.evaluate("window.drawn") == 0
    expect(page.locator("#lesson-verdict")).to_contain_text("Equal")
    page.locator("#lesson-rate").fill("0")
    assert page.evaluate("window.drawn") == 1


def test_points_are_dragged(page: Page, lecture: Lesson) -> None:
    data = plane.points(lecture)
    assert (points(page, data).images == data.images).all()
    drag(page, page.locator(".point.red path").first, to=page.locator("#lesson-plane"))

    moved = points(page, data)
    (changed,) = np.flatnonzero((moved.images != data.images).any(axis=1))
    assert data.labels[changed] == 0
    assert abs(moved.images[changed]).max() <= 1  # the middle of the square
    assert in_the_page(page) == in_python(moved, lecture)
    assert changes(page) == ["points moved or added: 1"]


def test_a_point_that_is_back_has_not_changed_anything(page: Page) -> None:
    page.locator(".point").first.focus()
    page.keyboard.press("ArrowRight")
    assert changes(page) == ["points moved or added: 1"]
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#lesson-verdict")).to_contain_text("Equal")
    assert changes(page) == []


def test_points_stay_in_the_square(page: Page, lecture: Lesson) -> None:
    data = plane.points(lecture)
    drag(page, page.locator(".point.blue path").first, to=page.locator("#lesson-score"))

    moved = points(page, data)
    assert abs(moved.images).max() == 255
    assert in_the_page(page) == in_python(moved, lecture)


def drag(page: Page, locator: Locator, to: Locator) -> None:
    """Move what is at the middle of `locator` to the middle of `to`, by mouse."""
    locator.scroll_into_view_if_needed()
    (x, y), (there_x, there_y) = centre(locator), centre(to)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move((x + there_x) / 2, (y + there_y) / 2)
    page.mouse.move(there_x, there_y)
    page.mouse.up()
    page.mouse.move(x, y)  # which moves nothing any more


def centre(locator: Locator) -> tuple[float, float]:
    box = locator.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_points_are_moved_by_keys(page: Page, lecture: Lesson) -> None:
    data = plane.points(lecture)
    page.locator(".point").first.focus()
    for key in ["ArrowRight", "ArrowRight", "ArrowUp", "PageDown", "PageDown", "ArrowDown"]:
        page.keyboard.press(key)

    moved = points(page, data)
    expected = np.zeros_like(data.images)
    expected[0], expected[2] = (10, 5), (0, -5)
    assert (moved.images - data.images == expected).all()
    assert in_the_page(page) == in_python(moved, lecture)
    name = page.locator(".point").nth(2).get_attribute("aria-label")
    x1, x2 = moved.images[2] / 255
    assert name == f"Red point at {x1:.2f}, {x2:.2f}".replace("-", "−")
    assert page.locator(".point[tabindex='0']").count() == 1  # stop of the tab key
    expect(page.locator(".point").nth(2)).to_be_focused()


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "touch"])
def test_points_are_added_where_the_cross_is_and_removed(
    browser: Browser, pipeline: Clone, lecture: Lesson, touch: bool
) -> None:
    with browser.new_context(locale="en-GB", has_touch=touch) as context:
        page = context.new_page()
        page.goto((pipeline.folder / paths.REPORT).as_uri())
        press = page.touchscreen.tap if touch else page.mouse.click
        surface = page.locator("#lesson-plane")
        surface.scroll_into_view_if_needed()
        box = surface.bounding_box()
        assert box
        press(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.1)
        page.locator("[data-add='2']").click()

        data = plane.points(lecture)
        more = Dataset(
            np.vstack([data.images, [[205, 205]]]).astype(np.int16), np.append(data.labels, 2)
        )
        now = points(page, more)
        assert abs(now.images - more.images).max() <= 2  # a pixel or so
        assert in_the_page(page) == in_python(now, lecture)
        assert changes(page) == [
            "points moved or added: 1",
            "there are 151 points instead of 150",
        ]
        page.locator("#lesson-remove").click()
        expect(page.locator("#lesson-verdict")).to_contain_text("Equal")
        assert page.locator(".point").count() == 150


def test_points_are_added_and_removed_by_keyboard(page: Page, lecture: Lesson) -> None:
    page.locator(".cross").focus()
    page.keyboard.press("ArrowRight")
    page.locator("[data-add='1']").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".point").last).to_be_focused()
    assert page.locator(".point").last.get_attribute("aria-label") == "Green point at 0.02, 0.00"
    page.keyboard.press("ArrowUp")
    assert page.locator(".point").last.get_attribute("aria-label") == "Green point at 0.02, 0.02"
    page.keyboard.press("Delete")
    expect(page.locator("#lesson-verdict")).to_contain_text("Equal")
    page.locator(".point").first.focus()
    page.keyboard.press("Delete")
    data = plane.points(lecture)
    assert in_the_page(page) == in_python(Dataset(data.images[1:], data.labels[1:]), lecture)
    assert changes(page) == ["there are 149 points instead of 150"]


def test_the_last_point_stays(page: Page) -> None:
    page.locator(".point").first.focus()
    for _ in range(160):
        page.keyboard.press("Delete")
    assert page.locator(".point").count() == 1


def test_z_and_a_are_those_of_the_place_under_the_pointer(page: Page, pipeline: Clone) -> None:
    theta = model.load(pipeline.folder / paths.LESSON_WEIGHTS, model.LESSON)
    surface = page.locator("#lesson-plane")
    surface.scroll_into_view_if_needed()
    box = surface.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.6)
    caption = page.locator("#lesson-place").inner_text().replace("−", "-")
    x1, x2 = map(float, re.findall(r"-?\d\.\d\d", caption))
    assert (x1, x2) == pytest.approx((0.5, -0.2), abs=0.02)
    shown = page.locator("#lesson-parameters td").all_inner_texts()
    rows = np.array([text.replace("−", "-") for text in shown], float).reshape(3, 5)
    np.testing.assert_allclose(rows[:, :3], theta, atol=5.1e-4)
    z = rows[:, :3] @ [x1, x2, 1]
    np.testing.assert_allclose(rows[:, 3], z, atol=0.04)  # of rounded x
    np.testing.assert_allclose(rows[:, 4], model.softmax(z[:, None])[:, 0], atol=0.01)
    page.mouse.move(box["x"] - 9, box["y"])
    expect(page.locator("#lesson-place")).to_contain_text("(0.00, 0.00)")  # the cross


@pytest.mark.parametrize("button", ["right", "middle"])
def test_other_buttons_do_nothing_on_the_plane(
    page: Page, button: Literal["right", "middle"]
) -> None:
    point = page.locator(".point.red path").first
    point.scroll_into_view_if_needed()
    x, y = centre(point)
    for place in ((x, y), (x, y - 30)):
        page.mouse.move(*place)
        page.mouse.down(button=button)
        page.mouse.move(x + 50, y + 50)
        page.mouse.up(button=button)
    assert changes(page) == []
    assert page.locator(".cross").get_attribute("transform") == "translate(0 0)"


@pytest.mark.parametrize("size", [(1366, 650), (683, 325), (720, 450), (844, 390), (390, 844)])
def test_plane_and_sliders_are_on_the_screen_together(
    browser: Browser, pipeline: Clone, size: tuple[int, int]
) -> None:
    """On a laptop, at 200 %, and on a phone, across and upright."""
    width, height = size
    with browser.new_context(viewport={"width": width, "height": height}) as context:
        page = context.new_page()
        page.goto((pipeline.folder / paths.REPORT).as_uri())
        page.add_style_tag(content="html { scroll-behavior: auto }")
        page.locator(".lesson").evaluate("(lesson) => lesson.scrollIntoView()")
        bar = page.get_by_role("banner").bounding_box()
        assert bar
        for name in ("plane", "rate", "epoch", "play"):
            box = page.locator(f"#lesson-{name}").bounding_box()
            assert box
            assert box["y"] >= bar["height"], name
            assert box["y"] + box["height"] <= height, name


def test_steps_show_each_epoch(page: Page, pipeline: Clone) -> None:
    history = pd.read_csv(pipeline.folder / paths.LESSON_EPOCHS)
    page.locator("#lesson-epoch").fill("0")
    expect(page.locator("#lesson-score")).to_contain_text("After epoch 0:")
    for row in history.head(3).itertuples():
        page.locator("#lesson-step").click()
        right = round(float(row.train_accuracy) * 150)  # type: ignore[arg-type]
        said = f"After epoch {row.epoch}: loss {row.train_loss:.4f}, {right} of 150 right"
        assert page.locator("#lesson-score").inner_text() == said
        assert page.locator(".point.wrong").count() == 150 - right


def shown_epoch(page: Page) -> int:
    return int(page.locator("#lesson-epoch").input_value())


def test_playing_stops_where_the_pipeline_does(page: Page) -> None:
    page.locator("#lesson-epoch").fill("30")
    page.locator("#lesson-play").click()
    expect(page.locator("#lesson-play")).to_have_text("Pause")
    expect(page.locator("#lesson-verdict")).to_contain_text("Equal", timeout=20_000)
    expect(page.locator("#lesson-play")).to_have_text("Play")


def test_play_goes_on_where_it_was_paused(page: Page) -> None:
    page.locator("#lesson-epoch").fill("5")
    page.locator("#lesson-play").click()
    expect(page.locator("#lesson-score")).to_contain_text("After epoch 8:")
    page.locator("#lesson-play").click()
    paused = shown_epoch(page)
    assert 8 <= paused < 40
    seen = page.evaluate(
        """async () => {
          const shown = () => Number(document.getElementById("lesson-epoch").value);
          document.getElementById("lesson-play").click();
          const seen = [];
          for (let k = 0; k < 20; k++) {
            await new Promise(requestAnimationFrame);
            seen.push(shown());
          }
          return seen;
        }"""
    )
    assert min(seen) == paused


def test_where_no_motion_is_wanted_play_jumps_to_the_end(browser: Browser, pipeline: Clone) -> None:
    page = browser.new_page(reduced_motion="reduce")
    page.goto((pipeline.folder / paths.REPORT).as_uri())
    for start, end in ((0, 40), (40, 100), (100, 40)):
        page.locator("#lesson-epoch").fill(str(start))
        page.locator("#lesson-play").click()
        assert shown_epoch(page) == end
    page.close()


def test_on_the_boundaries_two_classes_are_equally_likely(page: Page, pipeline: Clone) -> None:
    theta = model.load(pipeline.folder / paths.LESSON_WEIGHTS, model.LESSON)
    path = page.locator("#lesson-boundaries").get_attribute("d") or ""
    ends = np.array(re.findall(r"-?[\d.]+(?:e-\d+)?", path), float).reshape(3, 2, 2) * [1, -1]

    for share in (0, 0.3, 1):
        x1, x2 = (ends[:, 0] * (1 - share) + ends[:, 1] * share).T
        z = np.sort(theta @ [x1, x2, np.ones(3)], axis=0)
        np.testing.assert_allclose(z[1], z[2], atol=1e-9)
    assert abs(ends).max() == pytest.approx(1)  # from the sides of the square
    middle = ends.reshape(-1, 2)[abs(ends.reshape(-1, 2)).max(axis=1) < 0.99]
    assert len(middle) == 3  # to the point where all three meet
    np.testing.assert_allclose(middle, middle[[0, 0, 0]], atol=1e-9)


def stroke(page: Page, *places: tuple[float, float]) -> None:
    """Draw a line through `places`, in parts of the pad from its top left."""
    pad = page.locator("#drawing-pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    on_screen = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    page.mouse.move(*on_screen[0])
    page.mouse.down()
    for place in on_screen[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()


def channel(page: Page, canvas: str, number: int) -> Doubles:
    """Red, green, blue or alpha of a canvas: (height, width)."""
    values = page.locator(canvas).evaluate(
        """(canvas, number) => [...canvas.getContext("2d").getImageData(
             0, 0, canvas.width, canvas.height).data].filter((_, n) => n % 4 === number)""",
        number,
    )
    side = round(len(values) ** 0.5)
    return np.array(values, float).reshape(side, side)


def normalized(ink: Doubles) -> Doubles:
    """MNIST's way, as matrices: the areas that pixels of the box share with cells of the pad."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    size = max(np.ptp(rows), np.ptp(columns)) + 1
    down, across = (shares(start, size / 20, len(ink)) for start in (rows[0], columns[0]))
    box = down @ ink @ across.T
    y, x = (np.arange(20) + 0.5) @ box.sum(axis=1), (np.arange(20) + 0.5) @ box.sum(axis=0)
    top, left = (round(14 - moment / box.sum()) for moment in (y, x))
    image = np.zeros((60, 60))
    image[16 + top : 36 + top, 16 + left : 36 + left] = box
    return image[16:44, 16:44]


def shares(start: int, size: float, cells: int) -> Doubles:
    edges = start + size * np.arange(21)[:, None]
    covered = np.clip(edges - np.arange(cells), 0, 1)
    return np.diff(covered, axis=0) / size


def probabilities(page: Page) -> list[str]:
    return page.locator("#drawing-scores td:last-child").all_inner_texts()


STROKES: dict[str, list[tuple[float, float]]] = {
    "one": [(0.3, 0.1), (0.3, 0.7)],
    "dash": [(0.1, 0.9), (0.8, 0.9)],
    "dot": [(0.9, 0.1), (0.9, 0.1)],
    "seven": [(0.2, 0.2), (0.7, 0.25), (0.4, 0.95)],
    "across a corner": [(0.7, 0.95), (1.1, 0.4)],
}


@pytest.mark.parametrize("name", STROKES)
def test_a_drawing_becomes_an_image_as_mnist_was_made(page: Page, name: str) -> None:
    stroke(page, *STROKES[name])

    image = channel(page, "#drawing-image", 0)
    expected = normalized(channel(page, "#drawing-pad", 3))
    assert image.max() > 250
    np.testing.assert_allclose(image, expected, atol=0.5 + 1e-9)


def test_a_one_is_centred_by_its_mass_wherever_it_is_drawn(page: Page) -> None:
    images = []
    for x in (0.15, 0.5, 0.8):
        page.locator("#drawing-clear").click()
        stroke(page, (x, 0.2), (x, 0.8))
        images.append(channel(page, "#drawing-image", 0))
        places = np.arange(28) + 0.5
        for axis in (0, 1):
            mass = images[-1].sum(axis=1 - axis)
            assert abs(places @ mass / mass.sum() - 14) <= 0.5
        assert np.flatnonzero(images[-1].any(axis=1)).tolist() == list(range(4, 24))
        expect(page.locator("#drawing-verdict")).to_have_text("The model says: 1")


def test_probabilities_follow_each_stroke(page: Page, pipeline: Clone) -> None:
    theta = model.load(pipeline.folder / paths.WEIGHTS)
    nothing = [f"{a:.4f}" for a in model.softmax(theta[:, -1:])[:, 0]]
    assert probabilities(page) == nothing
    seen = [nothing]
    for places in ([(0.3, 0.2), (0.7, 0.2)], [(0.7, 0.2), (0.4, 0.9)]):
        stroke(page, *places)
        seen.append(probabilities(page))
        pixels = channel(page, "#drawing-image", 0).ravel()
        z = model.logits(theta, np.array([*pixels, 255])[:, None])
        assert seen[-1] == [f"{a:.4f}" for a in model.softmax(z)[:, 0]]
        k = model.predict(z)[0]
        expect(page.locator("#drawing-verdict")).to_have_text(f"The model says: {k}")
        terms = theta[k, :-1] * pixels
        strength = channel(page, "#drawing-contributions", 3).ravel()
        np.testing.assert_allclose(strength, 255 * abs(terms) / abs(terms).max(), atol=0.51)
    assert seen[0] != seen[1] != seen[2]
    page.locator("#drawing-clear").click()
    assert probabilities(page) == nothing


def test_a_drawing_is_called_something_but_not_right(page: Page) -> None:
    marked = page.locator("#drawing-scores tr:not(.other)")
    expect(marked).to_have_count(0)
    stroke(page, *STROKES["one"])
    expect(marked).to_have_class("predicted")
    expect(marked.locator("th")).to_have_text("1")
    page.locator("#drawing-clear").click()
    expect(marked).to_have_count(0)


@pytest.mark.parametrize("name", ["drawing", "lesson"])
def test_a_verdict_is_said_again_only_where_it_changes(page: Page, name: str) -> None:
    stroke(page, *STROKES["one"])
    page.locator("#lesson-step").click()
    page.locator(f"#{name}-verdict").evaluate(
        """(verdict) => {
             window.said = 0;
             const observer = new MutationObserver((records) => (window.said += records.length));
             observer.observe(verdict, { childList: true });
           }"""
    )
    stroke(page, (0.3, 0.1), (0.3, 0.75))  # still a 1
    page.locator("#lesson-step").click()  # still another training
    assert page.evaluate("window.said") == 0
    page.locator("#drawing-clear").click()
    page.locator("#lesson-reset").click()
    assert page.evaluate("window.said") == 1


def test_a_digit_can_be_drawn_by_keyboard(page: Page) -> None:
    """Those that the page draws are called what they are."""
    for digit in range(10):
        page.locator(f"[data-stroke='{digit}']").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#drawing-verdict")).to_have_text(f"The model says: {digit}")
