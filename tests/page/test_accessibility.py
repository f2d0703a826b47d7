"""The report for all readers: by keyboard, on a phone, in the dark, in MLflow's viewer."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from helpers.report import DESKTOP, opened
from playwright.sync_api import Browser, Page, ViewportSize, expect

PHONE: ViewportSize = {"width": 390, "height": 844}
CELL = "[data-label='4'][data-prediction='9']"  # of some dozen images


def test_all_can_be_reached_and_pressed_by_keyboard(page: Page) -> None:
    cell = page.locator(CELL)
    cell.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#cell")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#explanation")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(cell).to_be_focused()


def test_a_click_beside_a_dialog_closes_it(shared: Page) -> None:
    shared.locator("#samples button").first.click()
    shared.mouse.click(5, 450)
    expect(shared.locator("#explanation")).not_to_be_visible()


def test_a_grid_is_one_stop_of_the_tab_key(page: Page) -> None:
    for place in ("#confusion", "#most-confident", "#sample-cards", "#drawing-classes"):
        buttons = page.locator(f"{place} button")
        count = buttons.count()
        assert count > 2
        expect(page.locator(f"{place} button[tabindex='0']")).to_have_count(1)
        buttons.first.focus()
        page.keyboard.press("Tab")
        assert not page.evaluate(f"document.activeElement.matches('{place} *')")
        page.keyboard.press("Shift+Tab")
        expect(buttons.first).to_be_focused()
        page.keyboard.press("End")
        expect(buttons.last).to_be_focused()
        page.keyboard.press("ArrowLeft")
        expect(buttons.nth(count - 2)).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.press("Shift+Tab")
        expect(buttons.nth(count - 2)).to_be_focused()


def test_arrows_go_up_and_down_the_confusion(page: Page) -> None:
    cell = "[data-label='{}'][data-prediction='3']"
    page.locator(cell.format(2)).focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(cell.format(3))).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator(cell.format(5))).to_be_focused()  # no 4 is called 3
    page.keyboard.press("ArrowUp")
    expect(page.locator(cell.format(3))).to_be_focused()


def test_without_javascript_the_report_says_what_it_lacks_and_formulas_stay(
    browser: Browser, file: Path
) -> None:
    with browser.new_context(viewport=PHONE, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(file.as_uri())
        box = page.locator("noscript p").first.bounding_box()
        assert box
        assert box["y"] < 20 < box["height"]  # it is the first thing on the screen
        expect(page.locator("#drawing")).not_to_be_visible()
        assert page.locator("#gradient math:visible").count() > 20
        assert page.locator("[data-number]:empty:visible").count() == 0
        weights = page.locator("#softmax mtable").nth(1).locator("mn").all_text_contents()
        assert weights == ["0.31", "3.95", "7.07", "−0.23", "−6.27", "−2.35"]


def test_the_report_works_in_mlflows_artifact_viewer(browser: Browser, file: Path) -> None:
    """In a sandbox, as a blob: no storage, no origin, and no links that a browser follows."""
    viewer = "<iframe sandbox='allow-scripts' width='1000' height='700'></iframe>"
    faults: list[str] = []
    with browser.new_page(locale="en-GB", reduced_motion="reduce") as page:
        page.on("console", lambda message: faults.append(message.text))
        html = {"body": viewer, "content_type": "text/html"}
        page.route("http://viewer/", lambda route: route.fulfill(**html))
        page.route("http://viewer/index.html", lambda route: route.fulfill(path=file))
        page.goto("http://viewer/")
        page.locator("iframe").evaluate(
            """async (frame) => {
                 frame.src = URL.createObjectURL(await (await fetch("index.html")).blob());
               }"""
        )
        inside = page.frame_locator("iframe")
        expect(inside.locator("#samples article")).to_have_count(3)
        expect(inside.locator("#mistakes")).not_to_be_in_viewport()
        inside.get_by_role("link", name="Mistakes").click()
        expect(inside.locator("#mistakes")).to_be_in_viewport()
        expect(inside.locator("#mistakes")).to_be_focused()
        inside.get_by_role("button", name="Tiếng Việt").click()
        expect(inside.locator("html")).to_have_attribute("lang", "vi")
        inside.locator("#samples button").first.click()
        expect(inside.locator("#contributions canvas")).to_have_count(10)
        assert faults == []


@pytest.mark.parametrize(
    ("locale", "viewport", "scheme"),
    [
        ("en-GB", DESKTOP, "light"),
        pytest.param("en-GB", DESKTOP, "dark", marks=pytest.mark.extended),
        pytest.param("en-GB", PHONE, "light", marks=pytest.mark.extended),
        pytest.param("vi-VN", DESKTOP, "light", marks=pytest.mark.extended),
        pytest.param("vi-VN", PHONE, "dark", marks=pytest.mark.extended),
    ],
    ids=["desktop", "dark", "phone", "Vietnamese", "Vietnamese dark phone"],
)
def test_nothing_is_against_wcag(
    browser: Browser, file: Path, locale: str, viewport: ViewportSize, scheme: str
) -> None:
    """The whole report, and each dialog."""
    with opened(browser, file, locale=locale, viewport=viewport, color_scheme=scheme) as page:
        assert violations(page) == []
        page.locator(CELL).click()
        assert violations(page, "#cell-images") == []
        page.locator("#cell-images button").first.click()
        assert violations(page, "dialog[open]") == []


@pytest.mark.extended
def test_on_paper_all_that_the_screen_shows_is_there(shared: Page) -> None:
    """Bars and legends are backgrounds, which browsers leave out; cut subgrids overprint."""
    shared.emulate_media(media="print")
    style = "(element, name) => getComputedStyle(element)[name]"
    for place in (".scores .bar", ".scale", ".key"):
        assert shared.locator(place).first.evaluate(style, "printColorAdjust") == "exact"
    assert shared.locator("#sample-cards").evaluate(style, "display") == "block"
    expect(shared.locator("header.bar")).not_to_be_visible()
    expect(shared.locator("#hashes td").first).to_be_visible()


@pytest.mark.extended
@pytest.mark.parametrize("locale", ["en-GB", "vi-VN"])
@pytest.mark.parametrize("width", [320, 390, 659, 704, 705, 768])
def test_a_narrow_report_does_not_scroll_sideways(
    browser: Browser, file: Path, width: int, locale: str
) -> None:
    """659 is MLflow's viewer, where tables and sums fit, as on most phones."""
    size: ViewportSize = {"width": width, "height": 800}
    with opened(browser, file, viewport=size, locale=locale) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == width
        overflow = "(all) => all.map((one) => one.scrollWidth - one.clientWidth)"
        assert width < 390 or set(page.locator(".wide").evaluate_all(overflow)) == {0}
        page.locator("#samples button").first.click()
        assert page.locator("#explanation").evaluate_all(overflow) == [0]
        heights = "(lines) => lines.map((line) => line.offsetHeight)"
        lines = page.locator("#contributions span").evaluate_all(heights)
        assert width < 390 or len(set(lines)) == 1


def violations(page: Page, within: str | None = None) -> list[str]:
    """Return the rules of axe that the report, or a part of it, breaks, and where."""
    found = Axe().run(page, within, {"resultTypes": ["violations"]}).response["violations"]
    return [f"{rule['id']}: {rule['nodes'][0]['html']}" for rule in found]
