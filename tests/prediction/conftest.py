"""The page's scripts that compute what softmax/prediction does, in Chromium."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

GRAY = "data:text/javascript,export const CHANNELS = 1"  # in place of what asks the page's facts
PAGE = """\
<!DOCTYPE html>
<script type="importmap">{importmap}</script>
<script type="module">
import * as contributions from "softmax/contributions";
import * as normalization from "softmax/normalization";
Object.assign(window, contributions, normalization);
</script>
"""


@pytest.fixture(scope="module")
def script(browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Iterator["Page"]:
    """A page that knows these scripts, and no more."""
    from softmax.page import report

    path = tmp_path_factory.mktemp("page") / "index.html"
    modules = report.modules() | {"softmax/digits": GRAY}
    path.write_text(PAGE.format(importmap=json.dumps({"imports": modules})))
    with browser.new_page() as page:
        page.goto(path.as_uri())
        yield page
