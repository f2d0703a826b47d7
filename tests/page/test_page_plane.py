"""Points of the live lesson are moved, added, removed and read, by mouse, touch and keyboard."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from clones import Clone
from page.live import _lecture, changes, in_python, in_the_page, points  # noqa: F401 (fixture)
from page.opened import _file, _page, opened, visit  # noqa: F401 (fixtures)
from playwright.sync_api import Browser, Locator, Page, expect

from softmax.core import model
from softmax.core.data import Dataset
from softmax.lesson import plane
from softmax.pipeline import paths
from softmax.pipeline.params import Lesson


@pytest.fixture(autouse=True)
def _put_back(page: Page) -> Iterator[None]:
    yield
    page.locator("#lesson-reset").click()


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
        visit(page, (pipeline.folder / paths.REPORT).as_uri())
        press = page.touchscreen.tap if touch else page.mouse.click
        surface = page.locator("#lesson-plane")
        surface.scroll_into_view_if_needed()
        box = surface.bounding_box()
        assert box
        press(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.1)
        page.locator("[data-add='2']").click()

        data = plane.points(lecture)
        more = Dataset(
            np.vstack([data.images, [[205, 205]]]).astype(np.int16), np.append(data.labels, 2), 3
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
    assert in_the_page(page) == in_python(data.map(lambda x: x[1:]), lecture)
    assert changes(page) == ["there are 149 points instead of 150"]
    page.locator(".cross").focus()
    page.keyboard.press("ArrowLeft")


def test_the_last_point_stays(browser: Browser, file: Path, tmp_path: Path) -> None:
    """Of the two with which this page starts."""
    html = file.read_text(encoding="utf-8")
    few = re.sub(r'("points": \[\[[-\d, ]+\], \[[-\d, ]+\]), .*?\]\]', r"\1]", html)
    (tmp_path / "index.html").write_text(few, encoding="utf-8")
    for page in opened(browser, tmp_path / "index.html"):
        expect(page.locator(".point")).to_have_count(2)
        page.locator(".point").first.focus()
        for _ in range(3):
            page.keyboard.press("Delete")
        assert page.locator(".point").count() == 1


def test_z_and_a_are_those_of_the_place_under_the_pointer(page: Page, pipeline: Clone) -> None:
    theta = model.load(pipeline.folder / paths.LESSON_WEIGHTS)
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
