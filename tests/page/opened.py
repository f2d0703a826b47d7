"""The page that the pipeline wrote, opened in Chromium, from disk, with what real MNIST gave."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from clones import Clone
from playwright.sync_api import Browser, Page, ViewportSize

from softmax.pipeline import paths

DESKTOP: ViewportSize = {"width": 1280, "height": 900}


@pytest.fixture(name="file", scope="module")
def _file(pipeline: Clone) -> Path:
    """The page that the pipeline wrote."""
    return pipeline.folder / paths.REPORT


@pytest.fixture(name="page")
def _page(browser: Browser, file: Path) -> Iterator[Page]:
    """The page on a desktop, in English; in the end it has asked for nothing and said nothing."""
    with browser.new_context(viewport=DESKTOP, locale="en-GB", reduced_motion="reduce") as context:
        page = context.new_page()
        faults: list[str] = []
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: faults.append(request.url))
        visit(page, file.as_uri())
        yield page
        asked = [fault for fault in faults if not fault.startswith("data:")]
        assert asked == [file.as_uri()]


@pytest.fixture(name="page")
def _touched(browser: Browser, file: Path) -> Iterator[Page]:
    """The page in English, in motion; tests may read its canvases, on which Chromium comments."""
    with browser.new_context(viewport=DESKTOP, locale="en-GB") as context:
        page = context.new_page()
        visit(page, file.as_uri())
        yield page


def opened(browser: Browser, file: Path) -> Iterator[Page]:
    """The page in `file`, in English, of which no script fails."""
    faults: list[str] = []
    with browser.new_context(locale="en-GB") as context:
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        visit(page, file.as_uri())
        yield page
    assert faults == []


def visit(page: Page, address: str) -> None:
    """Open the page at `address`, and wait until all of it has started."""
    page.goto(address)
    page.locator("#content[aria-busy=false]").wait_for()


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
