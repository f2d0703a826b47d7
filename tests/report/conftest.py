"""Provide the report of the pipeline on MNIST, as a file and open in a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.clones import Clone
from helpers.report import DESKTOP, opened
from playwright.sync_api import Browser, Page

from softmax.pipeline import paths


@pytest.fixture(scope="session")
def file(mnist: Clone) -> Path:
    """Return the path of the report that the pipeline wrote."""
    return mnist.directory / paths.REPORT


@pytest.fixture(scope="module")
def module_page(browser: Browser, file: Path) -> Iterator[Page]:
    """Yield the open report, once for a module. Tests use the fixture `page` instead."""
    with opened(browser, file) as page:
        yield page


@pytest.fixture
def page(module_page: Page, mnist: Clone, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """Yield the report that the tests of a module share, and reset dialogs, lesson and size.

    The lesson is trained. The clone that contains the report is the working directory.
    """
    monkeypatch.chdir(mnist.directory)
    module_page.locator("#lesson-epoch").fill("40")
    yield module_page
    module_page.evaluate("document.querySelectorAll('dialog').forEach((one) => one.close())")
    module_page.locator("#lesson-reset").dispatch_event("click")
    module_page.mouse.move(0, 0)
    module_page.emulate_media(media="null", reduced_motion="reduce")
    module_page.set_viewport_size(DESKTOP)
