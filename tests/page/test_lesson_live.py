"""The live lesson trains to the bytes of Python, whatever is changed, and shows each epoch."""

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from helpers.clones import Clone
from helpers.report import changes, lesson_hash, middle, opened, python_hash
from numpy.typing import NDArray
from playwright.sync_api import Browser, Locator, Page, expect

from softmax.core import model
from softmax.core.data import Dataset
from softmax.lesson import plane
from softmax.pipeline import files, paths
from softmax.pipeline.params import Lesson


@pytest.fixture(scope="module")
def theta(mnist: Clone) -> NDArray[np.float64]:
    """The weights that the pipeline got."""
    return model.load(mnist.directory / paths.LESSON_WEIGHTS)


def points(page: Page, data: Dataset) -> Dataset:
    """Return `data` with the points where they lie in the report."""
    places = page.locator(".point").evaluate_all(
        "(points) => points.map((point) => point.getAttribute('transform'))"
    )
    numbers = [re.findall(r"-?\d+", place) for place in places]
    return data._replace(images=np.array(numbers, np.int16) * [1, -1])


def test_the_browser_trains_to_the_bytes_of_the_pipeline(
    browser: Browser, file: Path, mnist: Clone, tmp_path: Path
) -> None:
    """And the report says so, as it says where bytes differ."""
    locked = files.sha256(mnist.directory / paths.LESSON_WEIGHTS)
    with opened(browser, file) as page:
        assert lesson_hash(page) == page.locator("#lesson-python").text_content() == locked
        expect(page.locator("#lesson-verdict")).to_contain_text("Equal")
        assert changes(page) == []
    other = tmp_path / "index.html"
    other.write_text(file.read_text("utf-8").replace(locked, "0" * 64), "utf-8")
    with opened(browser, other) as page:
        assert lesson_hash(page) == locked
        expect(page.locator("#lesson-verdict")).to_contain_text("should be impossible")


@pytest.mark.parametrize(("place", "rate", "epoch"), [("-1", 0.1, 1), ("3", 1000.0, 100)])
def test_other_rates_and_epochs_are_those_of_python(
    page: Page, lecture: Lesson, place: str, rate: float, epoch: int
) -> None:
    page.locator("#lesson-rate").fill(place)
    page.locator("#lesson-epoch").fill(str(epoch))

    chosen = lecture.model_copy(update={"learning_rate": rate, "epochs": epoch})
    assert lesson_hash(page) == python_hash(plane.points(lecture), chosen)
    expect(page.locator("#lesson-verdict")).to_contain_text("another training")
    assert page.locator("#lesson-rate").get_attribute("aria-valuetext") == f"{rate:,g}"
    assert changes(page) == [
        f"the learning rate is {rate:,g} instead of 2",
        f"this is epoch {epoch} instead of 40",
    ]
    page.locator("#lesson-reset").click()
    expect(page.locator("#lesson-verdict")).to_contain_text("Equal")


def test_training_diverges_at_a_rate_that_can_be_reached(page: Page) -> None:
    """As the report proposes: with a red point among the blue ones."""
    page.mouse.click(*middle(page, "#lesson-plane", 0.27, 0.585))
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


def test_plane_and_sliders_are_on_the_screen_together(shared: Page) -> None:
    """On a laptop, at 200 %, and on a phone, across and upright."""
    for width, height in ((1366, 650), (683, 325), (720, 450), (844, 390), (390, 844)):
        shared.set_viewport_size({"width": width, "height": height})
        shared.locator(".lesson").evaluate("(lesson) => lesson.scrollIntoView()")
        bar = shared.get_by_role("banner").bounding_box()
        assert bar
        for name in ("plane", "rate", "epoch", "play"):
            box = shared.locator(f"#lesson-{name}").bounding_box()
            assert box
            assert box["y"] >= bar["y"] + bar["height"], name
            assert box["y"] + box["height"] <= height, name


def test_steps_show_each_epoch(page: Page, mnist: Clone) -> None:
    history = pd.read_csv(mnist.directory / paths.LESSON_EPOCHS)
    page.locator("#lesson-epoch").fill("0")
    expect(page.locator("#lesson-score")).to_contain_text("After epoch 0:")
    for row in history.head(3).itertuples():
        page.locator("#lesson-step").click()
        right = round(float(row.train_accuracy) * 150)  # type: ignore[arg-type]
        said = f"After epoch {row.epoch}: loss {row.train_loss:.4f}, {right} of 150 right"
        assert page.locator("#lesson-score").inner_text() == said
        assert page.locator(".point.wrong").count() == 150 - right


def test_play_goes_on_where_it_was_paused_and_stops_where_the_pipeline_does(page: Page) -> None:
    page.emulate_media(reduced_motion="no-preference")
    page.locator("#lesson-epoch").fill("5")
    play = page.locator("#lesson-play")
    play.click()
    expect(play).to_have_text("Pause")
    expect(page.locator("#lesson-score")).to_contain_text(re.compile(r"After epoch (8|9|\d\d):"))
    play.click()
    paused = int(page.locator("#lesson-epoch").input_value())
    assert 8 <= paused < 40
    seen = page.evaluate(
        """async () => {
          document.getElementById("lesson-play").click();
          const seen = [];
          for (let k = 0; k < 20; k++) {
            await new Promise(requestAnimationFrame);
            seen.push(Number(document.getElementById("lesson-epoch").value));
          }
          return seen;
        }"""
    )
    assert min(seen) == paused
    expect(page.locator("#lesson-verdict")).to_contain_text("Equal", timeout=20_000)
    expect(play).to_have_text("Play")


def test_where_no_motion_is_wanted_play_jumps_to_the_end(page: Page) -> None:
    for start, end in ((0, "40"), (40, "100"), (100, "40")):
        page.locator("#lesson-epoch").fill(str(start))
        page.locator("#lesson-play").click()
        assert page.locator("#lesson-epoch").input_value() == end


def test_on_the_boundaries_two_classes_are_equally_likely(
    shared: Page, theta: NDArray[np.float64]
) -> None:
    path = shared.locator("#lesson-boundaries").get_attribute("d") or ""
    ends = np.array(re.findall(r"-?[\d.]+(?:e-\d+)?", path), float).reshape(3, 2, 2) * [1, -1]

    for share in (0, 0.3, 1):
        x1, x2 = (ends[:, 0] * (1 - share) + ends[:, 1] * share).T
        z = np.sort(theta @ [x1, x2, np.ones(3)], axis=0)
        np.testing.assert_allclose(z[1], z[2], atol=1e-9)
    assert abs(ends).max() == pytest.approx(1)  # from the sides of the square
    inner = ends.reshape(-1, 2)[abs(ends.reshape(-1, 2)).max(axis=1) < 0.99]
    assert len(inner) == 3  # to the point where all three meet
    np.testing.assert_allclose(inner, inner[[0, 0, 0]], atol=1e-9)


def test_points_are_dragged_inside_the_square(page: Page, lecture: Lesson) -> None:
    data = plane.points(lecture)
    assert (points(page, data).images == data.images).all()
    drag(page, page.locator(".point.red path").first, to=page.locator("#lesson-plane"))

    moved = points(page, data)
    (changed,) = np.flatnonzero((moved.images != data.images).any(axis=1))
    assert data.labels[changed] == 0
    assert abs(moved.images[changed]).max() <= 1  # the middle of the square
    assert lesson_hash(page) == python_hash(moved, lecture)
    assert changes(page) == ["points moved or added: 1"]

    drag(page, page.locator(".point.blue path").first, to=page.locator("#lesson-score"))
    outside = points(page, data)
    assert abs(outside.images).max() == 255
    assert lesson_hash(page) == python_hash(outside, lecture)


def drag(page: Page, locator: Locator, to: Locator) -> None:
    """Move what is at the middle of `locator` to the middle of `to`, by mouse."""
    (x, y), (there_x, there_y) = middle(page, locator), middle(page, to)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move((x + there_x) / 2, (y + there_y) / 2)
    page.mouse.move(there_x, there_y)
    page.mouse.up()
    page.mouse.move(x, y)  # which moves nothing any more


def test_points_are_moved_by_keys(page: Page, lecture: Lesson) -> None:
    page.locator(".point").first.focus()
    page.keyboard.press("ArrowRight")
    assert changes(page) == ["points moved or added: 1"]
    page.keyboard.press("ArrowLeft")
    assert changes(page) == []  # it is back
    for key in ["ArrowRight", "ArrowRight", "ArrowUp", "PageDown", "PageDown", "ArrowDown"]:
        page.keyboard.press(key)

    data = plane.points(lecture)
    moved = points(page, data)
    expected = np.zeros_like(data.images)
    expected[0], expected[2] = (10, 5), (0, -5)
    assert (moved.images - data.images == expected).all()
    assert lesson_hash(page) == python_hash(moved, lecture)
    x1, x2 = moved.images[2] / 255
    name = f"Red point at {x1:.2f}, {x2:.2f}".replace("-", "−")
    expect(page.locator(".point").nth(2)).to_have_attribute("aria-label", name)
    expect(page.locator(".point").nth(2)).to_be_focused()
    assert page.locator(".point[tabindex='0']").count() == 1  # stop of the tab key


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "touch"])
def test_points_are_added_where_the_cross_is_and_removed(
    browser: Browser, file: Path, lecture: Lesson, touch: bool
) -> None:
    with opened(browser, file, has_touch=touch) as page:
        press = page.touchscreen.tap if touch else page.mouse.click
        press(*middle(page, "#lesson-plane", 0.9, 0.1))
        page.locator("[data-add='2']").click()

        data = plane.points(lecture)
        more = Dataset(
            np.vstack([data.images, [[205, 205]]]).astype(np.int16), np.append(data.labels, 2), 3
        )
        now = points(page, more)
        assert abs(now.images - more.images).max() <= 2  # a pixel or so
        assert lesson_hash(page) == python_hash(now, lecture)
        added = ["points moved or added: 1", "there are 151 points instead of 150"]
        assert changes(page) == added
        page.locator("#lesson-remove").click()
        expect(page.locator("#lesson-verdict")).to_contain_text("Equal")
        assert page.locator(".point").count() == 150


def test_points_are_added_and_removed_by_keyboard(page: Page, lecture: Lesson) -> None:
    page.locator(".cross").focus()
    page.keyboard.press("ArrowRight")
    page.locator("[data-add='1']").focus()
    page.keyboard.press("Enter")
    added = page.locator(".point").last
    expect(added).to_be_focused()
    expect(added).to_have_attribute("aria-label", "Green point at 0.02, 0.00")
    page.keyboard.press("ArrowUp")
    expect(added).to_have_attribute("aria-label", "Green point at 0.02, 0.02")
    page.keyboard.press("Delete")
    expect(page.locator("#lesson-verdict")).to_contain_text("Equal")
    page.locator(".point").first.focus()
    page.keyboard.press("Delete")
    data = plane.points(lecture)
    assert lesson_hash(page) == python_hash(data.map(lambda x: x[1:]), lecture)
    assert changes(page) == ["there are 149 points instead of 150"]


def test_the_last_point_stays(browser: Browser, file: Path, tmp_path: Path) -> None:
    """Of the two with which this report starts."""
    few = re.sub(
        r'("points": \[\[[-\d, ]+\], \[[-\d, ]+\]), .*?\]\]', r"\1]", file.read_text("utf-8")
    )
    (tmp_path / "index.html").write_text(few, "utf-8")
    with opened(browser, tmp_path / "index.html") as page:
        expect(page.locator(".point")).to_have_count(2)
        page.locator(".point").first.focus()
        for _ in range(3):
            page.keyboard.press("Delete")
        assert page.locator(".point").count() == 1


def test_z_and_a_are_those_of_the_place_under_the_pointer(
    shared: Page, theta: NDArray[np.float64]
) -> None:
    shared.mouse.move(*middle(shared, "#lesson-plane", 0.75, 0.6))
    caption = shared.locator("#lesson-place").inner_text().replace("−", "-")
    x1, x2 = map(float, re.findall(r"-?\d\.\d\d", caption))
    assert (x1, x2) == pytest.approx((0.5, -0.2), abs=0.02)
    shown = shared.locator("#lesson-parameters td").all_inner_texts()
    rows = np.array([text.replace("−", "-") for text in shown], float).reshape(3, 5)
    np.testing.assert_allclose(rows[:, :3], theta, atol=5.1e-4)
    z = rows[:, :3] @ [x1, x2, 1]
    np.testing.assert_allclose(rows[:, 3], z, atol=0.04)  # of rounded x
    np.testing.assert_allclose(rows[:, 4], model.softmax(z[:, None])[:, 0], atol=0.01)
    shared.mouse.move(*middle(shared, "#lesson-plane", -0.05, 0))
    expect(shared.locator("#lesson-place")).to_contain_text("(0.00, 0.00)")  # the cross


@pytest.mark.parametrize("button", ["right", "middle"])
def test_other_buttons_do_nothing_on_the_plane(
    shared: Page, button: Literal["right", "middle"]
) -> None:
    x, y = middle(shared, shared.locator(".point.red path").first)
    for place in ((x, y), (x, y - 30)):
        shared.mouse.move(*place)
        shared.mouse.down(button=button)
        shared.mouse.move(x + 50, y + 50)
        shared.mouse.up(button=button)
    assert changes(shared) == []
    assert shared.locator(".cross").get_attribute("transform") == "translate(0 0)"
