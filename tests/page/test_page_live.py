"""The live lesson trains to the bytes of Python, at any learning rate, and shows each epoch."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.clones import Clone
from helpers.report import changes, lesson_hash, listen, middle, opened, python_hash
from playwright.sync_api import Browser, Page, expect

from softmax.core import model
from softmax.lesson import plane
from softmax.pipeline import paths
from softmax.pipeline.params import Lesson


def test_the_browser_trains_to_the_bytes_of_the_pipeline(shared: Page, mnist: Clone) -> None:
    locked = hashlib.sha256((mnist.directory / paths.LESSON_WEIGHTS).read_bytes()).hexdigest()

    assert lesson_hash(shared) == shared.locator("#lesson-python").text_content() == locked
    expect(shared.locator("#lesson-verdict")).to_contain_text("Equal")
    assert changes(shared) == []


def test_the_report_says_so_if_bytes_differ(browser: Browser, mnist: Clone, tmp_path: Path) -> None:
    html = (mnist.directory / paths.REPORT).read_text(encoding="utf-8")
    locked = hashlib.sha256((mnist.directory / paths.LESSON_WEIGHTS).read_bytes()).hexdigest()
    other = tmp_path / "index.html"
    other.write_text(html.replace(locked, "0" * 64), encoding="utf-8")
    with opened(browser, other) as page:
        assert lesson_hash(page) == locked
        expect(page.locator("#lesson-verdict")).to_contain_text("should be impossible")


@pytest.mark.parametrize(
    ("place", "rate", "epoch"), [("-1", 0.1, 1), ("1", 10.0, 77), ("3", 1000.0, 100)]
)
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


@pytest.mark.parametrize(
    "size",
    [
        (1366, 650),
        (390, 844),
        *(
            pytest.param(size, marks=pytest.mark.extended)
            for size in ((683, 325), (720, 450), (844, 390))
        ),
    ],
)
def test_plane_and_sliders_are_on_the_screen_together(shared: Page, size: tuple[int, int]) -> None:
    """On a laptop, at 200 %, and on a phone, across and upright."""
    width, height = size
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


def shown_epoch(page: Page) -> int:
    return int(page.locator("#lesson-epoch").input_value())


def test_playing_stops_where_the_pipeline_does(page: Page) -> None:
    page.emulate_media(reduced_motion="no-preference")
    page.locator("#lesson-epoch").fill("30")
    page.locator("#lesson-play").click()
    expect(page.locator("#lesson-play")).to_have_text("Pause")
    expect(page.locator("#lesson-verdict")).to_contain_text("Equal", timeout=20_000)
    expect(page.locator("#lesson-play")).to_have_text("Play")


def test_play_goes_on_where_it_was_paused(page: Page) -> None:
    page.emulate_media(reduced_motion="no-preference")
    page.locator("#lesson-epoch").fill("5")
    page.locator("#lesson-play").click()
    expect(page.locator("#lesson-score")).to_contain_text(re.compile(r"After epoch (8|9|\d\d):"))
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


def test_where_no_motion_is_wanted_play_jumps_to_the_end(page: Page) -> None:
    for start, end in ((0, 40), (40, 100), (100, 40)):
        page.locator("#lesson-epoch").fill(str(start))
        page.locator("#lesson-play").click()
        assert shown_epoch(page) == end


def test_on_the_boundaries_two_classes_are_equally_likely(shared: Page, mnist: Clone) -> None:
    theta = model.load(mnist.directory / paths.LESSON_WEIGHTS)
    path = shared.locator("#lesson-boundaries").get_attribute("d") or ""
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
