"""Read the report's file, and open the report in Chromium."""

import html
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from playwright.sync_api import Browser, Locator, Page, ViewportSize

from helpers.shared import LECTURE
from softmax.core.arrays import FloatArray
from softmax.pipeline import params
from softmax.report import document, examples

BLUE, RED = (51, 121, 205), (213, 62, 52)
LESSON = params.load(LECTURE).lesson
LESSON_DATA = examples.points(LESSON)
GIVEN = json.loads((document.DIRECTORY / "lecture.json").read_text(encoding="utf-8"))
DESKTOP: ViewportSize = {"width": 1280, "height": 900}


def facts(text: str) -> dict[str, Any]:
    """Return the JSON that the scripts of a report read."""
    return json.loads(re.findall('id="report-data">(.*?)</script>', text, re.DOTALL)[0])


def section(text: str, name: str) -> str:
    """Return the text of a section in the file, which readers without JavaScript see."""
    (inside,) = re.findall(rf'<section id="{name}".*?>(.*?)</section>', text, re.DOTALL)
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", inside)).split())


def number(text: str) -> float:
    """Return the number that the report shows as `text`."""
    match = re.fullmatch(r"([−\d.,]+)(?:\u00a0·\u00a010⁻([⁰¹²³⁴⁵⁶⁷⁸⁹]+))?", text)
    assert match, text
    power = (match[2] or "0").translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789"))
    return float(match[1].replace("−", "-").replace(",", "")) * 10 ** -int(power)


@contextmanager
def opened(browser: Browser, file: Path, **options: Any) -> Iterator[Page]:
    """Open a report in a new context: on a desktop, in English, without motion, or by `options`.

    At the end, assert that the report requested nothing except itself and that no error occurred.
    """
    usual = {"viewport": DESKTOP, "locale": "en-GB", "reduced_motion": "reduce"}
    with browser.new_context(**usual | options) as context:
        page, heard = context.new_page(), list[str]()
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: heard.append(request.url))
        visit(page, file.as_uri())
        yield page
        # Chromium warns if tests read a canvas twice
        harmless = ("data:", file.as_uri(), "Canvas2D: Multiple readback")
        assert [text for text in heard if not text.startswith(harmless)] == []


def visit(page: Page, address: str) -> None:
    """Open the report at `address` and wait until its scripts have started."""
    page.goto(address)
    page.locator("#content[aria-busy=false]").wait_for()


def rgba(canvases: Locator) -> NDArray[np.uint8]:
    """Return red, green, blue and alpha of all pixels of all canvases: uint8 (n, 4)."""
    text: str = canvases.evaluate_all(
        """(canvases) => canvases.map((canvas) => canvas.getContext("2d")
             .getImageData(0, 0, canvas.width, canvas.height).data
             .reduce((text, value) => text + String.fromCharCode(value), "")).join("")"""
    )  # a string, because Playwright transfers lists of numbers slowly
    return np.frombuffer(text.encode("latin-1"), np.uint8).reshape(-1, 4)


def assert_painted(canvases: Locator, colors: ArrayLike, strength: FloatArray) -> None:
    """Assert that all pixels have `colors`, (n, 3), with alpha `strength`, 0 to 255, (n,)."""
    picture = rgba(canvases).astype(float)
    np.testing.assert_allclose(picture[:, 3], strength.ravel(), atol=0.5 + 1e-9)
    clear = picture[:, 3] > 64  # at lower alpha, a canvas rounds colors
    expected = np.broadcast_to(colors, (len(picture), 3))
    np.testing.assert_allclose(picture[clear, :3], expected[clear], atol=2)


def assert_diverging(canvases: Locator, values: FloatArray) -> None:
    """Assert that the canvases show `values` on one scale, red above 0 and blue below."""
    colors = np.where(values.reshape(-1, 1) > 0, RED, BLUE)
    assert_painted(canvases, colors, 255 * abs(values) / abs(values).max())


def level(canvas: Locator, channel: int = 0) -> NDArray[np.uint8]:
    """Return one channel of a canvas, red by default: uint8 (height, width)."""
    width = int(canvas.get_attribute("width") or "")
    return rgba(canvas)[:, channel].reshape(-1, width)


def middle(page: Page, place: str | Locator, x: float = 0.5, y: float = 0.5) -> tuple[float, float]:
    """Scroll to `place` and return a point in it on the screen, by default its center."""
    locator = page.locator(place) if isinstance(place, str) else place
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    assert box
    return box["x"] + x * box["width"], box["y"] + y * box["height"]
