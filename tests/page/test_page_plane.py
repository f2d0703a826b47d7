"""Points of the live lesson are moved, added, removed and read, by mouse, touch and keyboard."""

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from helpers.clones import Clone
from helpers.report import changes, lesson_hash, middle, opened, python_hash
from playwright.sync_api import Browser, Locator, Page, expect

from softmax.core import model
from softmax.core.data import Dataset
from softmax.lesson import plane
from softmax.pipeline import paths
from softmax.pipeline.params import Lesson


def points(page: Page, data: Dataset) -> Dataset:
    """Return `data` with the points where they lie in the report."""
    places = page.locator(".point").evaluate_all(
        "(points) => points.map((point) => point.getAttribute('transform'))"
    )
    numbers = [re.findall(r"-?\d+", place) for place in places]
    return data._replace(images=np.array(numbers, np.int16) * [1, -1])


def test_points_are_dragged(page: Page, lecture: Lesson) -> None:
    data = plane.points(lecture)
    assert (points(page, data).images == data.images).all()
    drag(page, page.locator(".point.red path").first, to=page.locator("#lesson-plane"))

    moved = points(page, data)
    (changed,) = np.flatnonzero((moved.images != data.images).any(axis=1))
    assert data.labels[changed] == 0
    assert abs(moved.images[changed]).max() <= 1  # the middle of the square
    assert lesson_hash(page) == python_hash(moved, lecture)
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
    assert lesson_hash(page) == python_hash(moved, lecture)


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
    data = plane.points(lecture)
    page.locator(".point").first.focus()
    for key in ["ArrowRight", "ArrowRight", "ArrowUp", "PageDown", "PageDown", "ArrowDown"]:
        page.keyboard.press(key)

    moved = points(page, data)
    expected = np.zeros_like(data.images)
    expected[0], expected[2] = (10, 5), (0, -5)
    assert (moved.images - data.images == expected).all()
    assert lesson_hash(page) == python_hash(moved, lecture)
    name = page.locator(".point").nth(2).get_attribute("aria-label")
    x1, x2 = moved.images[2] / 255
    assert name == f"Red point at {x1:.2f}, {x2:.2f}".replace("-", "−")
    assert page.locator(".point[tabindex='0']").count() == 1  # stop of the tab key
    expect(page.locator(".point").nth(2)).to_be_focused()


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
    assert lesson_hash(page) == python_hash(data.map(lambda x: x[1:]), lecture)
    assert changes(page) == ["there are 149 points instead of 150"]
    page.locator(".cross").focus()
    page.keyboard.press("ArrowLeft")


def test_the_last_point_stays(browser: Browser, file: Path, tmp_path: Path) -> None:
    """Of the two with which this report starts."""
    html = file.read_text(encoding="utf-8")
    few = re.sub(r'("points": \[\[[-\d, ]+\], \[[-\d, ]+\]), .*?\]\]', r"\1]", html)
    (tmp_path / "index.html").write_text(few, encoding="utf-8")
    with opened(browser, tmp_path / "index.html") as page:
        expect(page.locator(".point")).to_have_count(2)
        page.locator(".point").first.focus()
        for _ in range(3):
            page.keyboard.press("Delete")
        assert page.locator(".point").count() == 1


def test_z_and_a_are_those_of_the_place_under_the_pointer(shared: Page, mnist: Clone) -> None:
    theta = model.load(mnist.directory / paths.LESSON_WEIGHTS)
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
    point = shared.locator(".point.red path").first
    x, y = middle(shared, point)
    for place in ((x, y), (x, y - 30)):
        shared.mouse.move(*place)
        shared.mouse.down(button=button)
        shared.mouse.move(x + 50, y + 50)
        shared.mouse.up(button=button)
    assert changes(shared) == []
    assert shared.locator(".cross").get_attribute("transform") == "translate(0 0)"
