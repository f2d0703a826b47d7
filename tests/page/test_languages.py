"""The report in English and in Vietnamese, one at a time, in a browser."""

import json
import re
from pathlib import Path

from helpers.report import opened, visit
from playwright.sync_api import Browser, Page, expect

from softmax.page import english, report


def test_vietnamese_readers_start_in_vietnamese(browser: Browser, file: Path) -> None:
    with opened(browser, file, locale="vi-VN") as page:
        assert page.locator("h1").inner_text() == "Hồi quy softmax trên MNIST" == page.title()
        visit(page, f"{file.as_uri()}?lang=en#data")
        expect(page.locator("html")).to_have_attribute("lang", "en")


def test_a_chosen_language_is_kept(page: Page, file: Path) -> None:
    visit(page, f"{file.as_uri()}?lang=en#data")
    page.get_by_role("button", name="Tiếng Việt").click()
    assert page.url == f"{file.as_uri()}?lang=vi#data"
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    visit(page, file.as_uri())
    expect(page.locator("html")).to_have_attribute("lang", "vi")


def test_the_english_is_in_the_file_as_javascript_says_it(
    browser: Browser, file: Path, shared: Page
) -> None:
    """Every text and every name, to the last digit, for those who have no JavaScript."""
    with browser.new_context(locale="en-GB", java_script_enabled=False) as context:
        without = context.new_page()
        without.goto(file.as_uri())
        written, said = (
            {
                name: shown.locator(f"[data-{name}]").evaluate_all(
                    """(all, name) => all.map((element) => [element.dataset.values ?? "{}",
                         element.getAttribute(`data-${name}`), name === "i18n"
                           ? element.textContent : element.getAttribute("aria-label")])""",
                    name,
                )
                for name in ("i18n", "i18n-label")
            }
            for shown in (without, shared)
        )
    assert sum(map(len, written.values())) > 400
    for name, elements in written.items():
        missing = [element for element in elements if element not in said[name]]
        assert missing == []


def test_numbers_are_written_alike_in_the_file_and_by_javascript(shared: Page) -> None:
    numbers = [0, -0.0, 1e-7, -2.5e-4, 0.00123456, 0.125, -0.0004, 0.9995, 2.5, 123456.78, -3]
    strings = report.strings()
    keys = [key for key in strings if re.fullmatch(r"number(\.\d)?|results.accuracy", key)]
    cases = [
        (key, {"value": value, "accuracy": value, "total": 10}) for key in keys for value in numbers
    ]
    said = shared.evaluate(
        """async (cases) => {
             const { say } = await import("softmax/i18n");
             return cases.map(([key, values]) => {
               const place = document.createElement("p");
               say(place, key, values);
               return place.textContent;
             });
           }""",
        cases,
    )
    for (key, values), text in zip(cases, said, strict=True):
        place = f"<p data-i18n='{key}' data-values='{json.dumps(values)}'>"
        assert english.fill(place, strings, "mnist") == place + text


def test_the_report_is_in_one_language_at_a_time(page: Page) -> None:
    """No text but that of a string, apart from names, formulas and numbers."""
    page.locator("button[data-prediction]").first.click()
    page.locator("#cell-images button").first.click()
    unsaid = page.evaluate(
        r"""() => {
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          const found = [];
          for (let node; (node = walker.nextNode()); ) {
            const within = node.parentElement;
            const said = "body :is([data-i18n], code, math, .formula, [lang], script, noscript)";
            if (/\p{L}/u.test(node.data) && !within.closest(said)) found.push(node.data);
          }
          return found;
        }"""
    )
    assert unsaid == []
    assert page.locator("html").get_attribute("lang") == "en"
    english = texts(page)
    page.evaluate("document.querySelectorAll('dialog').forEach((dialog) => dialog.close())")
    page.get_by_role("button", name="Tiếng Việt").click()
    assert page.locator("html").get_attribute("lang") == "vi"
    assert page.locator("[lang=vi]").last.get_attribute("aria-pressed") == "true"
    vietnamese = texts(page)
    assert set(english) == set(vietnamese)
    strings = report.strings()
    translated = [key for key in english if strings[key]["en"] != strings[key]["vi"]]
    assert len(translated) > 80
    assert [key for key in translated if english[key] == vietnamese[key]] == []
    assert "84,61% trên 10.000 ảnh" in page.locator(".lead").inner_text()


def texts(page: Page) -> dict[str, str]:
    """What the first element of each string says, by its key."""
    return page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("[data-i18n], [data-i18n-label]")]
             .flatMap((element) => [[element.dataset.i18n, element.textContent],
               [element.dataset.i18nLabel, element.ariaLabel]]).filter(([key]) => key))"""
    )
