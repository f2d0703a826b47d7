"""The report of the pipeline, on real MNIST, and a page on which it is open."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.clones import Clone
from helpers.report import DESKTOP, opened
from playwright.sync_api import Browser, Page

from softmax.pipeline import paths


@pytest.fixture(scope="session")
def file(mnist: Clone) -> Path:
    """The report that the pipeline wrote."""
    return mnist.directory / paths.REPORT


@pytest.fixture(scope="module")
def module_page(browser: Browser, file: Path) -> Iterator[Page]:
    """The report, once for a module; tests ask for `page`."""
    with opened(browser, file) as page:
        yield page


@pytest.fixture
def page(module_page: Page, mnist: Clone, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """The report that the tests of a module share: its dialogs, lesson and size are put back.

    The lesson is trained. The clone it lies in is the working directory.
    """
    monkeypatch.chdir(mnist.directory)
    module_page.locator("#lesson-epoch").fill("40")
    yield module_page
    module_page.evaluate("document.querySelectorAll('dialog').forEach((one) => one.close())")
    module_page.locator("#lesson-reset").dispatch_event("click")
    module_page.mouse.move(0, 0)
    module_page.emulate_media(media="null", reduced_motion="reduce")
    module_page.set_viewport_size(DESKTOP)
