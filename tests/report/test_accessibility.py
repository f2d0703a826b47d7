"""Test access to the report by keyboard, on a phone, in dark mode, and in MLflow's viewer."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from helpers.report import opened
from playwright.sync_api import Browser, Page, expect

CELL = "[data-label='4'][data-prediction='9']"  # contains a few dozen images


def test_dialogs_open_and_close_by_keyboard_or_outside_click(page: Page) -> None:
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
    page.locator("#samples button").first.click()
    page.mouse.click(5, 450)
    expect(page.locator("#explanation")).not_to_be_visible()


@pytest.mark.parametrize("place", ["#most-confident", "#sample-figures", "#drawing-classes"])
def test_a_row_of_buttons_is_one_tab_stop(page: Page, place: str) -> None:
    buttons = page.locator(f"{place} button")
    buttons.first.focus()
    expect(page.locator(f"{place} button[tabindex='0']")).to_have_count(1)
    page.keyboard.press("End")
    expect(buttons.last).to_be_focused()
    page.keyboard.press("ArrowLeft")
    last_but_one = buttons.nth(buttons.count() - 2)
    expect(last_but_one).to_be_focused()
    page.keyboard.press("Tab")
    assert not page.evaluate(f"document.activeElement.matches('{place} *')")
    page.keyboard.press("Shift+Tab")
    expect(last_but_one).to_be_focused()


def test_arrow_keys_move_in_the_confusion_matrix(page: Page) -> None:
    cell = "[data-label='{}'][data-prediction='3']"
    page.locator(cell.format(2)).focus()
    for key, label in (("ArrowDown", 3), ("ArrowDown", 5), ("ArrowUp", 3)):  # no 4 is called 3
        page.keyboard.press(key)
        expect(page.locator(cell.format(label))).to_be_focused()
    expect(page.locator("#confusion button[tabindex='0']")).to_have_count(1)


def test_without_javascript_formulas_stay_and_a_note_lists_what_is_missing(
    browser: Browser, file: Path
) -> None:
    phone = browser.new_page(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    with phone as page:
        page.goto(file.as_uri())
        expect(page.locator("noscript p").first).to_be_in_viewport()
        expect(page.locator("#drawing")).not_to_be_visible()
        assert page.locator("#gradient math:visible").count() > 20
        assert page.locator("[data-number]:empty:visible").count() == 0


def test_the_report_works_in_mlflows_artifact_viewer(browser: Browser, file: Path) -> None:
    """Emulate the viewer: a blob in a sandbox, without storage, origin and links to the outside."""
    viewer = "<iframe sandbox='allow-scripts' width='1000' height='700'></iframe>"
    faults: list[str] = []
    with browser.new_page(locale="en-GB", reduced_motion="reduce") as page:
        page.on("console", lambda message: faults.append(message.text))
        page.route(
            "http://viewer/", lambda route: route.fulfill(body=viewer, content_type="text/html")
        )
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
        inside.get_by_role("button", name="3 Code").click()
        inside.get_by_role("link", name="Mistakes").click()
        expect(inside.locator("#mistakes")).to_be_focused()
        inside.get_by_role("button", name="Tiếng Việt").click()
        expect(inside.locator("html")).to_have_attribute("lang", "vi")
        inside.locator("#samples button").first.click()
        expect(inside.locator("#contributions canvas")).to_have_count(10)
        assert faults == []


def violations(page: Page, within: str | None = None) -> list[str]:
    """Return the rules of axe that the report or a part of it violates, and the elements."""
    found = Axe().run(page, within, {"resultTypes": ["violations"]}).response["violations"]
    return [f"{rule['id']}: {rule['nodes'][0]['html']}" for rule in found]


@pytest.mark.parametrize(
    ("width", "locale", "scheme"),
    [
        (1280, "en-GB", "light"),
        pytest.param(320, "en-GB", "light", marks=pytest.mark.extended),
        pytest.param(390, "vi-VN", "dark", marks=pytest.mark.extended),
        pytest.param(659, "en-GB", "dark", marks=pytest.mark.extended),
    ],
)
def test_nothing_scrolls_sideways_or_violates_wcag(
    browser: Browser, file: Path, width: int, locale: str, scheme: str
) -> None:
    """Include 659, the viewer's width. From 390, tables and sums fit without scrolling."""
    options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    with opened(browser, file, locale=locale, **options) as page:
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
        overflow = "(all) => all.map((one) => one.scrollWidth - one.clientWidth)"
        for part in page.locator("nav button").all():
            part.click()
            for shown in (part, *part.locator("+ ol a").all()):
                expect(shown).to_be_in_viewport(ratio=1)  # nothing is cut off
            part.locator("+ ol a").first.click()
            expect(part.locator("+ ol")).not_to_be_visible()
            expect(part).to_have_attribute("aria-current", "true")
        assert width < 390 or set(page.locator(".wide").evaluate_all(overflow)) == {0}
        page.locator(CELL).click()
        assert violations(page, "#cell-images") == []
        page.locator("#cell-images button").first.click()
        assert page.locator("#explanation").evaluate_all(overflow) == [0]
        assert violations(page, "dialog[open]") == []


@pytest.mark.extended
def test_print_keeps_bars_and_hides_screen_controls(page: Page) -> None:
    page.emulate_media(media="print")
    adjust = "(bar) => getComputedStyle(bar).printColorAdjust"
    assert page.locator(".scores .bar").first.evaluate(adjust) == "exact"
    expect(page.locator("header.bar")).not_to_be_visible()
    expect(page.locator("#hashes td").first).to_be_visible()


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ("drawing", ["pad", "image", "contributions", "verdict", "scores"]),
        ("lesson", ["plane", "rate", "epoch", "play"]),
    ],
)
def test_related_elements_fit_on_one_screen(page: Page, section: str, names: list[str]) -> None:
    """Try laptops, a laptop at 200%, and a phone in both orientations."""
    for width, height in ((1366, 650), (683, 325), (720, 450), (844, 390), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        if section == "drawing" and (width, height) != (683, 325):
            page.evaluate("scrollTo(0, 0)")  # the drawing is on the first screen
        elif section == "drawing":
            page.locator("nav a").first.click()
        else:
            page.locator(".lesson").evaluate("(lesson) => lesson.scrollIntoView()")
        bar = page.get_by_role("banner").evaluate("(bar) => bar.getBoundingClientRect().bottom")
        for name in names:
            place = page.locator(f"#{section}-{name}")
            expect(place).to_be_in_viewport(ratio=1)
            assert place.evaluate("(one) => one.getBoundingClientRect().top") >= bar
