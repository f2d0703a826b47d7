"""Test that the lesson trains in the browser to Python's bytes, and shows each epoch."""

import hashlib
import re
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from helpers.report import LESSON, LESSON_DATA, facts, middle, opened
from playwright.sync_api import Browser, Locator, Page, expect

from softmax.core import model
from softmax.core.batches import Dataset
from softmax.pipeline import paths
from softmax.pipeline.params import Lesson
from softmax.report import examples


def assert_trained(page: Page, data: Dataset, chosen: Lesson, *changes: str) -> None:
    """Assert that the report shows the SHA-256 of Python's weights and lists the changes."""
    expected = hashlib.sha256(model.to_bytes(examples.fit(data, chosen)[-1].theta)).hexdigest()
    expect(page.locator("#lesson-hash")).to_have_text(expected)
    assert page.locator("#lesson-changes li").all_inner_texts() == [*changes]
    verdict = "These are not" if changes else "Equal"
    expect(page.locator("#lesson-verdict")).to_contain_text(verdict)


def points(page: Page, data: Dataset) -> Dataset:
    """Return `data` with the positions of the points in the report."""
    places = page.locator(".point").evaluate_all(
        "(points) => points.map((point) => point.getAttribute('transform'))"
    )
    numbers = [re.findall(r"-?\d+", place) for place in places]
    return data._replace(images=np.array(numbers, np.int16) * [1, -1])


def test_bytes_that_differ_from_the_pipeline_are_reported(
    browser: Browser, file: Path, tmp_path: Path
) -> None:
    text, other = file.read_text("utf-8"), tmp_path / "index.html"
    locked = facts(text)["lesson"]["sha256"]
    other.write_text(text.replace(locked, "0" * 64), "utf-8")
    with opened(browser, other) as page:
        page.locator("#lesson-epoch").fill("40")
        expect(page.locator("#lesson-python")).to_have_text("0" * 64)
        expect(page.locator("#lesson-hash")).to_have_text(locked)
        expect(page.locator("#lesson-verdict")).to_contain_text("should be impossible")


@pytest.mark.parametrize(("place", "rate", "epoch"), [("-1", 0.1, 1), ("3", 1000.0, 100)])
def test_the_browser_gives_the_bytes_of_python_for_any_rate_and_epochs(
    page: Page, place: str, rate: float, epoch: int
) -> None:
    assert_trained(page, LESSON_DATA, LESSON)
    page.locator("#lesson-rate").fill(place)
    page.locator("#lesson-epoch").fill(str(epoch))
    changes = [
        f"the learning rate is {rate:,g} instead of 2",
        f"this is epoch {epoch} instead of 40",
    ]
    chosen = LESSON.model_copy(update={"learning_rate": rate, "epochs": epoch})
    assert_trained(page, LESSON_DATA, chosen, *changes)
    assert page.locator("#lesson-rate").get_attribute("aria-valuetext") == f"{rate:,g}"
    page.locator("#lesson-reset").click()
    untrained = LESSON.model_copy(update={"epochs": 1, "learning_rate": 0})
    assert_trained(page, LESSON_DATA, untrained, "this is epoch 0 instead of 40")


def test_the_step_button_shows_the_next_epoch(page: Page) -> None:
    history = pd.read_csv(paths.LESSON_EPOCHS)
    page.locator("#lesson-epoch").fill("0")
    expect(page.locator("#lesson-score")).to_contain_text("After epoch 0:")
    for row in history.head(3).itertuples():
        page.locator("#lesson-step").click()
        right = round(float(row.train_accuracy) * 150)  # type: ignore[arg-type]
        message = f"After epoch {row.epoch}: loss {row.train_loss:.4f}, {right} of 150 correct"
        assert page.locator("#lesson-score").inner_text() == message
        assert page.locator(".point.wrong").count() == 150 - right


def test_play_resumes_after_a_pause_and_stops_at_the_pipelines_last_epoch(page: Page) -> None:
    """Expect a jump to the end with reduced motion, and otherwise frames."""
    play, epoch = page.locator("#lesson-play"), page.locator("#lesson-epoch")
    for start, end in ((0, "40"), (40, "100"), (100, "40")):
        epoch.fill(str(start))
        play.click()
        assert epoch.input_value() == end
    page.emulate_media(reduced_motion="no-preference")
    epoch.fill("25")
    play.click()
    expect(play).to_have_text("Pause")
    expect(page.locator("#lesson-score")).to_contain_text(re.compile("After epoch (2[6-9]|3.):"))
    play.click()
    paused = int(epoch.input_value())
    first_frame = """async (play) => {
      play.click();
      await new Promise(requestAnimationFrame);
      return Number(document.getElementById("lesson-epoch").value);
    }"""
    assert 26 <= paused <= play.evaluate(first_frame) <= 40
    expect(page.locator("#lesson-verdict")).to_contain_text("Equal")
    expect(play).to_have_text("Play")


def test_the_lesson_plays_in_view_and_its_link_restores_the_training(
    browser: Browser, file: Path
) -> None:
    with opened(browser, file, reduced_motion="no-preference") as page:
        score, digest = page.locator("#lesson-score"), page.locator("#lesson-hash")
        expect(score).to_contain_text("After epoch 0:")
        page.locator("[data-add='1']").click()
        expect(score).to_contain_text(re.compile("After epoch [1-9]:"))
        page.locator("#lesson-rate").fill("0.7")
        page.locator("#lesson-epoch").fill("7")
        page.locator(".point").first.focus()
        for key in ("Delete", "ArrowRight", "Enter"):
            page.keyboard.press(key)
        page.wait_for_url("**#lesson&rate=5&epoch=7&without=0.1&with=*_*.1")
        assert page.evaluate("history.length") == 2  # the empty page, and this one
        shown = digest.text_content() or ""
        page.reload()
        expect(digest).to_have_text(shown)
        expect(page.locator("#lesson-plane")).to_be_in_viewport()
        page.evaluate("location.hash = 'lesson&rate=x&epoch=9e9&with=0.-999.1'")
        expect(score).to_have_text(
            re.compile("After epoch 100:.* of 151 correct")
        )  # invalid values of the link are clamped


def test_highlighting_does_not_change_backgrounds_of_figures(page: Page) -> None:
    ground = "(one) => getComputedStyle(one).backgroundColor"
    for drawn in page.locator("[data-term]:has(svg, canvas)").all():
        before = drawn.evaluate(ground)
        drawn.hover()
        expect(drawn).to_have_class(re.compile("lit"))
        assert drawn.evaluate(ground) == before


def test_the_main_button_drags_points_inside_the_square(page: Page) -> None:
    assert (points(page, LESSON_DATA).images == LESSON_DATA.images).all()
    drag(page, page.locator(".point.red path").first, to=page.locator("#lesson-plane"), by="right")
    assert_trained(page, LESSON_DATA, LESSON)
    expect(page.locator(".cross")).to_have_attribute("transform", "translate(0 0)")
    drag(page, page.locator(".point.red path").first, to=page.locator("#lesson-plane"))
    moved = points(page, LESSON_DATA)
    (changed,) = np.flatnonzero((moved.images != LESSON_DATA.images).any(axis=1))
    assert LESSON_DATA.labels[changed] == 0
    assert abs(moved.images[changed]).max() <= 1  # the middle of the square
    assert_trained(page, moved, LESSON, "points changed or added: 1")
    drag(page, page.locator(".point.blue path").first, to=page.locator("#lesson-score"))
    outside = points(page, LESSON_DATA)
    assert abs(outside.images).max() == 255
    assert_trained(page, outside, LESSON, "points changed or added: 2")


def drag(page: Page, locator: Locator, to: Locator, by: Literal["left", "right"] = "left") -> None:
    """Drag from the center of `locator` to the center of `to` with this button."""
    start, end = middle(page, locator), middle(page, to)
    page.mouse.move(*start)
    page.mouse.down(button=by)
    page.mouse.move(*end, steps=2)
    page.mouse.up(button=by)
    page.mouse.move(*start)  # moves nothing, because the button is released


def test_arrow_keys_move_points(page: Page) -> None:
    page.locator(".point").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert_trained(page, LESSON_DATA, LESSON)  # the point is back
    for key in ["ArrowRight", "ArrowRight", "ArrowUp", "PageDown", "PageDown", "ArrowDown"]:
        page.keyboard.press(key)
    moved = points(page, LESSON_DATA)
    expected = np.zeros_like(LESSON_DATA.images)
    expected[0], expected[2] = (10, 5), (0, -5)
    assert (moved.images - LESSON_DATA.images == expected).all()
    assert_trained(page, moved, LESSON, "points changed or added: 2")
    x1, x2 = moved.images[2] / 255
    name = f"Red point at {x1:.2f}, {x2:.2f}".replace("-", "−")
    expect(page.locator(".point").nth(2)).to_have_attribute("aria-label", name)
    expect(page.locator(".point").nth(2)).to_be_focused()
    assert page.locator(".point[tabindex='0']").count() == 1  # the only tab stop


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "touch"])
def test_a_press_adds_a_point_of_the_chosen_color(
    browser: Browser, file: Path, touch: bool
) -> None:
    with opened(browser, file, has_touch=touch) as page:
        page.locator("#lesson-epoch").fill("40")
        press = page.touchscreen.tap if touch else page.mouse.click
        page.locator("[data-add='2']").click()
        press(*middle(page, page.locator(".point.red path").first))
        more = Dataset(LESSON_DATA.images[[*range(150), 0]], np.append(LESSON_DATA.labels, 2), 3)
        now = points(page, more)
        assert abs(now.images - more.images).max() <= 2  # a pixel or so
        added = ("points changed or added: 1", "there are 151 points instead of 150")
        assert_trained(page, now, LESSON, *added)
        page.locator("#lesson-remove").click()
        assert_trained(page, LESSON_DATA, LESSON)
        page.locator("[data-add='2']").click()  # and a press moves the cross
        press(*middle(page, "#lesson-plane", 0.9, 0.1))
        expect(page.locator(".cross")).to_have_attribute("transform", re.compile("20.*-20"))


def test_the_diverge_button_makes_training_diverge(page: Page) -> None:
    page.locator("#lesson-diverge").click()
    for epoch in range(40, 101, 10):
        page.locator("#lesson-epoch").fill(str(epoch))
        (loss,) = re.findall(r"loss (\S+),", page.locator("#lesson-score").inner_text())
        assert float(loss) > 1.3  # the initial loss


def test_points_are_added_and_removed_by_keyboard(page: Page) -> None:
    page.locator("[data-add='1']").focus()
    page.keyboard.press("Enter")
    page.locator(".cross").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    added = page.locator(".point").last
    expect(added).to_be_focused()
    expect(added).to_have_attribute("aria-label", "Green point at 0.02, 0.00")
    page.keyboard.press("ArrowUp")
    expect(added).to_have_attribute("aria-label", "Green point at 0.02, 0.02")
    page.keyboard.press("Delete")
    assert_trained(page, LESSON_DATA, LESSON)
    page.locator(".cross").focus()
    page.keyboard.press("ArrowLeft")  # restores the cross for other tests
    page.locator(".point").first.focus()
    page.keyboard.press("Delete")
    fewer = LESSON_DATA.map(lambda x: x[1:])
    assert_trained(page, fewer, LESSON, "there are 149 points instead of 150")
    remove = "(button) => { for (let k = 0; k < 150; k++) button.click(); }"
    page.locator("#lesson-remove").evaluate(remove)
    expect(page.locator(".point")).to_have_count(1)  # the last one stays


def test_scores_at_the_pointer_and_boundaries_match_the_model(page: Page) -> None:
    theta = model.load(paths.LESSON_WEIGHTS)
    page.mouse.move(*middle(page, "#lesson-plane", 0.75, 0.6))
    caption = page.locator("#lesson-place").inner_text().replace("−", "-")
    x1, x2 = map(float, re.findall(r"-?\d\.\d\d", caption))
    assert (x1, x2) == pytest.approx((0.5, -0.2), abs=0.02)
    shown = page.locator("#lesson-parameters td").all_inner_texts()
    rows = np.array([text.replace("−", "-") for text in shown], float).reshape(3, 5)
    np.testing.assert_allclose(rows[:, :3], theta, atol=5.1e-4)
    z = rows[:, :3] @ [x1, x2, 1]
    np.testing.assert_allclose(rows[:, 3], z, atol=0.04)  # the shown x is rounded
    np.testing.assert_allclose(rows[:, 4], model.softmax(z[:, None])[:, 0], atol=0.01)
    page.mouse.move(*middle(page, "#lesson-plane", -0.05, 0))
    expect(page.locator("#lesson-place")).to_contain_text("(0.00, 0.00)")  # the cross
    path = page.locator("#lesson-boundaries").get_attribute("d") or ""
    ends = np.array(re.findall(r"-?[\d.]+(?:e-\d+)?", path), float).reshape(-1, 2) * [1, -1]
    z = np.sort(theta @ np.column_stack([ends, np.ones(6)]).T, axis=0)
    np.testing.assert_allclose(z[1], z[2], atol=1e-9)  # two classes are equally likely
    assert abs(ends).max() == pytest.approx(1)  # boundaries start at the sides of the square
    inner = ends[abs(ends).max(axis=1) < 0.99]
    assert len(inner) == 3  # and end at their common point
    np.testing.assert_allclose(inner, inner[[0, 0, 0]], atol=1e-9)
