"""The page's scripts that compute what softmax/prediction does, in Chromium."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def script(browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Iterator["Page"]:
    """The report of the tiny workspace, whose functions are its window's."""
    from helpers import workspace

    directory = workspace.copy(tmp_path_factory.mktemp("workspace"))
    with browser.new_page() as page:
        page.goto((directory / "report/index.html").as_uri())
        for name in ("contributions", "normalization"):
            page.evaluate(f"import('softmax/{name}').then((all) => Object.assign(window, all))")
        yield page
