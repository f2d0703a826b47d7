"""What a reader does with the live lesson, and what it answers."""

import hashlib
import re
from pathlib import Path

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
    return page.locator("#lesson-hash").inner_text()


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

    assert in_the_page(page) == page.locator("#lesson-python").inner_text() == locked
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


@pytest.mark.parametrize(("rate", "epochs"), [(0.1, 1), (0.3, 77), (10.0, 200)])
def test_other_rates_and_epochs_are_those_of_python(
    page: Page, lecture: Lesson, rate: float, epochs: int
) -> None:
    page.locator("#lesson-rate").fill(str(rate))
    page.locator("#lesson-epochs").fill(str(epochs))

    chosen = lecture.model_copy(update={"learning_rate": rate, "epochs": epochs})
    assert in_the_page(page) == in_python(plane.points(lecture), chosen)
    expect(page.locator("#lesson-verdict")).to_contain_text("another training")
    assert changes(page) == [
        f"the learning rate is {rate:g} instead of 2",
        f"this is epoch {epochs} instead of 40",
    ]
    page.locator("#lesson-reset").click()
    expect(page.locator("#lesson-verdict")).to_contain_text("Equal")


def test_points_are_dragged(page: Page, lecture: Lesson) -> None:
    data = plane.points(lecture)
    assert (points(page, data).images == data.images).all()
    drag(page, page.locator(".point.red path").first, to=page.locator("#lesson-plane"))

    moved = points(page, data)
    (changed,) = np.flatnonzero((moved.images != data.images).any(axis=1))
    assert data.labels[changed] == 0
    assert abs(moved.images[changed]).max() <= 1  # the middle of the square
    assert in_the_page(page) == in_python(moved, lecture)
    assert changes(page) == ["points moved: 1"]


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


def test_steps_show_each_epoch(page: Page, pipeline: Clone) -> None:
    history = pd.read_csv(pipeline.folder / paths.LESSON_EPOCHS)
    page.locator("#lesson-step").click()
    expect(page.locator("#lesson-score")).to_contain_text("Epoch 0 of 40")
    for row in history.head(3).itertuples():
        page.locator("#lesson-step").click()
        right = round(float(row.train_accuracy) * 150)  # type: ignore[arg-type]
        said = f"Epoch {row.epoch} of 40: loss {row.train_loss:.4f}, {right} of 150 right"
        assert page.locator("#lesson-score").inner_text() == said
        assert page.locator(".point.wrong").count() == 150 - right


def test_playing_ends_where_the_lecture_does(page: Page) -> None:
    page.locator("#lesson-play").click()
    expect(page.locator("#lesson-verdict")).to_contain_text("another training")
    expect(page.locator("#lesson-play")).to_have_text("Pause")
    expect(page.locator("#lesson-verdict")).to_contain_text("Equal", timeout=20_000)
    expect(page.locator("#lesson-play")).to_have_text("Play")


def test_readers_who_want_no_motion_step(browser: Browser, pipeline: Clone) -> None:
    page = browser.new_page(reduced_motion="reduce")
    page.goto((pipeline.folder / paths.REPORT).as_uri())

    expect(page.locator("#lesson-play")).not_to_be_visible()
    expect(page.locator("#lesson-step")).to_be_visible()
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
