"""Test the report in English and in Vietnamese, one at a time."""

import json
import re
from pathlib import Path

from helpers.report import opened, visit
from helpers.shared import ROOT
from playwright.sync_api import Browser, Page, expect

from softmax.report import document, english

PLACEHOLDER = re.compile(r"\{\w+(?::\S)?\}")


def test_every_string_exists_once_in_both_languages() -> None:
    for key, languages in document.strings().items():
        assert set(languages) == {"en", "vi"}, key
        assert all(text.strip() == text != "" for text in languages.values()), key
        used = [sorted(PLACEHOLDER.findall(text)) for text in languages.values()]
        assert used[0] == used[1], key
        words = re.findall(r"[^\W\d_]{2,}", PLACEHOLDER.sub("", languages["en"]))
        assert languages["en"] != languages["vi"] or set(words) <= {"epoch", "seed"}, key
    files = (ROOT / "softmax/report/strings").glob("*.json")
    assert len(document.strings()) == sum(len(json.loads(path.read_text())) for path in files)


def test_readers_start_in_their_language_and_keep_their_choice(
    browser: Browser, file: Path
) -> None:
    with opened(browser, file, locale="vi-VN") as page:
        language = page.locator("html")
        assert page.locator("h1").inner_text() == "Hồi quy softmax trên MNIST" == page.title()
        page.get_by_role("button", name="English").click()
        visit(page, file.as_uri())
        expect(language).to_have_attribute("lang", "en")
        visit(page, f"{file.as_uri()}?lang=vi#data")
        expect(language).to_have_attribute("lang", "vi")
        page.get_by_role("button", name="English").click()
        assert page.url == f"{file.as_uri()}?lang=en#data"


def test_without_javascript_the_text_is_the_same(browser: Browser, file: Path, page: Page) -> None:
    """Compare texts and labels in the file with those that JavaScript writes, to the last digit."""
    with browser.new_context(locale="en-GB", java_script_enabled=False) as context:
        without = context.new_page()
        without.goto(file.as_uri())
        written, rendered = (
            {
                name: shown.locator(f"[data-{name}]").evaluate_all(
                    """(all, name) => all.map((element) => [element.dataset.values ?? "{}",
                         element.getAttribute(`data-${name}`), name === "i18n"
                           ? element.textContent : element.getAttribute("aria-label")])""",
                    name,
                )
                for name in ("i18n", "i18n-label")
            }
            for shown in (without, page)
        )
    assert sum(map(len, written.values())) > 400
    for name, elements in written.items():
        assert [element for element in elements if element not in rendered[name]] == []


def test_python_and_javascript_format_numbers_the_same(page: Page) -> None:
    cases = [
        ("number.0", 123456.78, "123,457"),
        ("number.0", 2.5, "3"),
        ("number.1", -0.0, "0.0"),
        ("number.2", -0.125, "−0.13"),
        ("number.3", -0.0004, "0.000"),
        ("number.3", 0.9995, "1.000"),
        ("number", 0.00123456, "0.001235"),
        ("number", -2.5e-4, "−2.50\u00a0·\u00a010⁻⁴"),
        ("results.accuracy", 0.84605, "84.61% accuracy on 10,000 test images."),
    ]
    rendered = page.evaluate(
        """async (cases) => {
             const { setText } = await import("softmax/i18n");
             return cases.map(([key, value]) => {
               const place = document.createElement("p");
               setText(place, key, { value, accuracy: value, total: 10_000 });
               return place.textContent;
             });
           }""",
        cases,
    )
    assert rendered == [written for *_, written in cases]
    for key, value, written in cases:
        values = json.dumps({"value": value, "accuracy": value, "total": 10_000})
        place = f"<p data-i18n='{key}' data-values='{values}'>"
        assert english.fill(place, document.strings(), "mnist") == place + written


def test_the_report_shows_only_one_language_at_a_time(page: Page) -> None:
    """Allow text outside the translated strings only for names, formulas and numbers."""
    page.locator("button[data-prediction]").first.click()
    page.locator("#cell-images button").first.click()
    unsaid = page.evaluate(
        r"""() => {
          const covered = "body :is([data-i18n], code, math, .formula, [lang], script, noscript)";
          return [...document.body.querySelectorAll("*")].filter((one) => !one.closest(covered))
            .flatMap((one) => [...one.childNodes])
            .filter((node) => node.nodeType === Node.TEXT_NODE && /\p{L}/u.test(node.data))
            .map((node) => node.data);
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
    strings = document.strings()
    translated = [key for key in english if strings[key]["en"] != strings[key]["vi"]]
    assert len(translated) > 80
    assert [key for key in translated if english[key] == vietnamese[key]] == []
    assert "84,61% trên 10.000 ảnh" in page.locator(".lead").inner_text()
    page.get_by_role("button", name="English").click()


def texts(page: Page) -> dict[str, str]:
    """Return the text of the first element of each string, by the key of the string."""
    return page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("[data-i18n], [data-i18n-label]")]
             .flatMap((element) => [[element.dataset.i18n, element.textContent],
               [element.dataset.i18nLabel, element.ariaLabel]]).filter(([key]) => key))"""
    )
