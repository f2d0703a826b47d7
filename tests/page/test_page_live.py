"""What a reader does with the live lesson, and what it answers."""

import hashlib
import re
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from clones import Clone
from page.opened import _file, _touched, listen  # noqa: F401 (fixtures)
from playwright.sync_api import Browser, Locator, Page, expect

from softmax.core import model
from softmax.core.data import Dataset
from softmax.lesson import plane
from softmax.pipeline import params, paths
from softmax.pipeline.params import Lesson


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
            assert box["y"] >= bar["y"] + bar["height"], name
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


def test_a_verdict_is_said_again_only_where_it_changes(page: Page) -> None:
    page.locator("#lesson-step").click()
    listen(page, "#lesson-verdict")
    page.locator("#lesson-step").click()  # still another training
    assert page.evaluate("window.said") == 0
    page.locator("#lesson-reset").click()
    assert page.evaluate("window.said") == 1
