"""The page that the pipeline wrote, opened in Chromium, from disk, with what real MNIST gave."""

from collections.abc import Iterator
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
import pytest
from clones import Clone
from numpy.typing import NDArray
from playwright.sync_api import Browser, Locator, Page, ViewportSize

from softmax.pipeline import paths

DESKTOP: ViewportSize = {"width": 1280, "height": 900}


class Opened:
    """The page in `file` on a desktop, in English, and all that it asked for and said since."""

    def __init__(self, browser: Browser, file: Path) -> None:
        context = browser.new_context(viewport=DESKTOP, locale="en-GB", reduced_motion="reduce")
        self.page = context.new_page()
        self.address = file.as_uri()
        self.heard: list[str] = []
        self.page.on("console", lambda message: self.heard.append(message.text))
        self.page.on("pageerror", lambda error: self.heard.append(str(error)))
        self.page.on("request", lambda request: self.heard.append(request.url))
        visit(self.page, self.address)
        self.first = self.state()

    def state(self) -> str:
        """All that a reader may have changed, but for where pointer, focus and window are."""
        self.page.mouse.move(0, 0)
        self.page.set_viewport_size(DESKTOP)
        self.page.emulate_media(media="null", reduced_motion="reduce")
        state: str = self.page.evaluate(
            """() => {
                 document.activeElement.blur();
                 history.replaceState(history.state, "", location.pathname + location.search);
                 scrollTo(0, 0);
                 const values = [...document.querySelectorAll("input")].map(({ value }) => value);
                 const globals = Object.keys(window).length;
                 const body = document.body.innerHTML.replace(/ (class=""|data-values="{}")/g, "");
                 return [body, location, globals, ...values].join();
               }"""
        )
        return state

    def assert_quiet(self) -> None:
        """It has asked for nothing but its file, and said nothing."""
        harmless = ("data:", "Canvas2D: Multiple readback")  # what Chromium says of such tests
        assert [text for text in self.heard if not text.startswith(harmless)] == [self.address]


UNTOUCHED: WeakKeyDictionary[Browser, Opened] = WeakKeyDictionary()


@pytest.fixture(name="file", scope="module")
def _file(pipeline: Clone) -> Path:
    """The page that the pipeline wrote."""
    return pipeline.folder / paths.REPORT


@pytest.fixture(name="shared", scope="module")
def _shared(browser: Browser, file: Path) -> Iterator[Page]:
    """One page for the tests of a module."""
    yield from opened(browser, file)


@pytest.fixture(name="page")
def _closed(shared: Page) -> Iterator[Page]:
    """That page, for tests that say what has the focus, and open the dialogs that they look at."""
    yield shared
    while shared.locator("dialog[open]").count():
        shared.keyboard.press("Escape")
    shared.emulate_media(media="null", reduced_motion="reduce")
    shared.set_viewport_size(DESKTOP)


@pytest.fixture(name="page")
def _page(browser: Browser, file: Path) -> Iterator[Page]:
    """The page as it opens; in the end it has asked for nothing and said nothing.

    That takes a second. So a test that leaves it as it was hands it on to the next one.
    """
    here = UNTOUCHED.pop(browser, None) or Opened(browser, file)
    yield here.page
    here.assert_quiet()
    if here.state() == here.first:
        UNTOUCHED[browser] = here
    else:
        here.page.context.close()


def opened(browser: Browser, file: Path) -> Iterator[Page]:
    """The page in `file`; in the end it has asked for nothing and said nothing."""
    alone = Opened(browser, file)
    yield alone.page
    alone.assert_quiet()
    alone.page.context.close()


def visit(page: Page, address: str) -> None:
    """Open the page at `address`, and wait until all of it has started."""
    page.goto(address)
    page.locator("#content[aria-busy=false]").wait_for()


def rgba(canvases: Locator) -> NDArray[np.uint8]:
    """Red, green, blue and alpha of what all of them show, pixel by pixel: (n, 4)."""
    text: str = canvases.evaluate_all(
        """(canvases) => canvases.map((canvas) => canvas.getContext("2d")
             .getImageData(0, 0, canvas.width, canvas.height).data
             .reduce((text, value) => text + String.fromCharCode(value), "")).join("")"""
    )  # of which Playwright makes less ado than of numbers
    return np.frombuffer(text.encode("latin-1"), np.uint8).reshape(-1, 4)


def listen(page: Page, place: str) -> None:
    """From now on window.said counts how often a screen reader is told what `place` says."""
    page.locator(place).evaluate(
        """(verdict) => {
             window.said = 0;
             const observer = new MutationObserver((records) => (window.said += records.length));
             observer.observe(verdict, { childList: true });
           }"""
    )


def formulas(page: Page) -> list[str]:
    """Those of the training, without spaces."""
    return ["".join(text.split()) for text in page.locator("#curves math").all_text_contents()]
