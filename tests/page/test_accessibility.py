"""The page for all readers: by keyboard, on a phone, in the dark, in MLflow's viewer."""

from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from page.opened import DESKTOP, _closed, _file, _shared, opened, visit  # noqa: F401 (fixtures)
from playwright.sync_api import Browser, Page, ViewportSize, expect

PHONE: ViewportSize = {"width": 390, "height": 844}
CONTRAST = "color-contrast"  # most of axe's time
Schemes = dict[Literal["light", "dark"], dict[str, Any]]  # axe's options in each
COLOURS: Schemes = {"light": {}, "dark": {"runOnly": [CONTRAST]}}  # where all else is the same
NO_COLOURS: Schemes = {"light": {"rules": {CONTRAST: {"enabled": False}}}}
CELL = "[data-label='4'][data-prediction='9']"  # of some dozen images


def test_all_can_be_reached_and_pressed_by_keyboard(page: Page) -> None:
    cell = page.locator("[data-label='4'][data-prediction='9']")
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


def test_a_click_beside_a_dialog_closes_it(page: Page) -> None:
    page.locator("#samples button").first.click()
    page.mouse.click(5, 450)
    expect(page.locator("#explanation")).not_to_be_visible()


@pytest.mark.parametrize(
    ("place", "count"),
    [("#confusion", 87), ("#most-confident", 24), ("#sample-cards", 3), ("#drawing-classes", 10)],
)
def test_a_grid_is_one_stop_of_the_tab_key(page: Page, place: str, count: int) -> None:
    buttons = page.locator(f"{place} button")
    expect(buttons).to_have_count(count)
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


def test_the_page_has_few_stops(page: Page) -> None:
    stops = page.evaluate(
        """() => [...document.querySelectorAll("a, button, input, summary, [tabindex]")].filter(
             (element) => element.tabIndex >= 0 && element.checkVisibility()).length"""
    )
    assert stops <= 60


def test_without_javascript_the_page_says_first_what_it_lacks(browser: Browser, file: Path) -> None:
    with browser.new_context(viewport=PHONE, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(file.as_uri())
        box = page.locator("noscript p").first.bounding_box()
        assert box
        assert box["y"] < 20 < box["height"]
        expect(page.locator("#drawing")).not_to_be_visible()


def test_on_paper_all_that_the_screen_shows_is_there(page: Page) -> None:
    """Bars and legends are backgrounds, which browsers leave out; cut subgrids overprint."""
    page.emulate_media(media="print")
    style = "(element, name) => getComputedStyle(element)[name]"
    for place in (".scores .bar", ".scale", ".key"):
        assert page.locator(place).first.evaluate(style, "printColorAdjust") == "exact"
    assert page.locator("#sample-cards").evaluate(style, "display") == "block"
    expect(page.locator("header.bar")).not_to_be_visible()
    expect(page.locator("#hashes td").first).to_be_visible()


@pytest.mark.parametrize("locale", ["en-GB", "vi-VN"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_is_against_wcag(browser: Browser, file: Path, locale: str, viewport: Any) -> None:
    schemes = COLOURS if (locale, viewport) == ("en-GB", DESKTOP) else NO_COLOURS
    with browser.new_context(viewport=viewport, locale=locale, reduced_motion="reduce") as context:
        page = context.new_page()
        visit(page, file.as_uri())
        assert violations(page, schemes) == []
        page.locator(CELL).click()
        assert violations(page, schemes, "#cell-images") == []
        page.locator("#cell-images button").first.click()
        assert violations(page, schemes, "dialog[open]") == []


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_both_languages_have_the_same_contrasts(
    browser: Browser, file: Path, viewport: ViewportSize
) -> None:
    """On a phone, too: so that axe compares colours in one language, on a desktop."""
    for page in opened(browser, file):
        page.locator(CELL).click()
        page.locator("#cell-images button").first.click()
        compared = contrasts(page)
        page.set_viewport_size(viewport)
        assert contrasts(page) == compared
        page.get_by_role("button", name="Tiếng Việt", include_hidden=True).dispatch_event("click")
        expect(page.locator("html")).to_have_attribute("lang", "vi")
        assert contrasts(page) == compared


@pytest.mark.parametrize("width", [320, 390, 659, 704, 705, 768])
def test_a_narrow_page_does_not_scroll_sideways(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.locator("#samples button").first.click()
    overflow = "(dialog) => dialog.scrollWidth - dialog.clientWidth"
    assert page.locator("#explanation").evaluate(overflow) == 0


@pytest.mark.parametrize("locale", ["en-GB", "vi-VN"])
@pytest.mark.parametrize("width", [390, 659])
def test_tables_and_sums_fit_on_a_phone_and_in_mlflow(
    browser: Browser, file: Path, width: int, locale: str
) -> None:
    with browser.new_context(viewport={"width": width, "height": 800}, locale=locale) as context:
        page = context.new_page()
        visit(page, file.as_uri())
        overflows = page.locator(".wide").evaluate_all(
            "(places) => places.map((place) => place.scrollWidth - place.clientWidth)"
        )
        assert set(overflows) == {0}
        page.locator("#samples button").first.click()
        heights = page.locator("#contributions span").evaluate_all(
            "(lines) => lines.map((line) => line.offsetHeight)"
        )
        assert len(set(heights)) == 1


def test_the_page_works_in_mlflows_artifact_viewer(browser: Browser, file: Path) -> None:
    """In a sandbox, as a blob: no storage, no origin, and no links that a browser follows."""
    viewer = "<iframe sandbox='allow-scripts' width='1000' height='700'></iframe>"
    faults: list[str] = []
    page = browser.new_page(locale="en-GB", reduced_motion="reduce")
    page.on("console", lambda message: faults.append(message.text))
    page.route("http://viewer/", lambda route: route.fulfill(body=viewer, content_type="text/html"))
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
    page.close()


def violations(page: Page, schemes: Schemes, within: str | None = None) -> list[str]:
    """The rules of axe that the page breaks, or a part of it, in light or dark, and where."""
    broken = []
    for scheme, rules in schemes.items():
        page.emulate_media(color_scheme=scheme)
        options = {"resultTypes": ["violations"], **rules}
        found = Axe().run(page, within, options).response["violations"]
        broken += [f"{scheme}: {rule['id']}: {rule['nodes'][0]['html']}" for rule in found]
    return broken


def contrasts(page: Page) -> dict[str, list[str]]:
    """Each look of a text that is shown, on what is behind it, in light and in dark."""
    found: dict[str, list[str]] = {}
    for scheme in COLOURS:
        page.emulate_media(color_scheme=scheme)
        found[scheme] = page.evaluate(
            """() => {
                 const look = (element) => getComputedStyle(element);
                 const behind = (element) =>
                   !element || look(element).backgroundColor !== "rgba(0, 0, 0, 0)"
                     ? element && look(element).backgroundColor
                     : behind(element.parentElement);
                 const text = (element) => element.checkVisibility() &&
                   [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
                 const looks = [...document.querySelectorAll("body *")].filter(text).map(
                   (element) => {
                     const { color, fontSize, fontWeight, opacity } = look(element);
                     const size = parseFloat(fontSize);
                     const large = size >= 24 || (size >= 18.66 && fontWeight >= 700);
                     return [behind(element), color, opacity, large].join(" ");
                   });
                 return [...new Set(looks)].sort();
               }"""
        )
    return found
