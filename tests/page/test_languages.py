"""The page in English and in Vietnamese, one at a time."""

import json
import re
from pathlib import Path

from page.opened import _file, _page  # noqa: F401 (fixtures)
from playwright.sync_api import Browser, Page
from shared import ROOT

from softmax.page import report

PLACEHOLDER = re.compile(r"\{\w+(?::\S)?\}")


def test_every_string_is_there_in_both_languages_and_used() -> None:
    for key, languages in report.strings().items():
        assert set(languages) == {"en", "vi"}, key
        assert all(text.strip() == text != "" for text in languages.values()), key
        used = [sorted(PLACEHOLDER.findall(text)) for text in languages.values()]
        assert used[0] == used[1], key
        words = re.findall(r"[^\W\d_]{2,}", PLACEHOLDER.sub("", languages["en"]))
        assert languages["en"] != languages["vi"] or set(words) <= {"epoch", "seed"}, key
    total = sum(
        len(json.loads(path.read_text())) for path in (ROOT / "softmax/page/strings").glob("*.json")
    )
    assert len(report.strings()) == total  # none twice
    assert len({tuple(languages.items()) for languages in report.strings().values()}) == total
    folders = (ROOT / "softmax/page/templates", ROOT / "softmax/page/scripts")
    sources = [path.read_text() for folder in folders for path in folder.iterdir()]
    named = {name for text in sources for name in re.findall(r"[\"`]([\w.${} -]+)[\"`]", text)}
    patterns = {
        re.sub(r"\$?\{+[^}]*\}+", ".+", re.sub(r"\.(?![+])", r"\.", name)) for name in named
    }
    patterns -= {".+", ""}
    for key in report.strings():
        assert any(re.fullmatch(pattern, key) for pattern in patterns), f"nobody says {key}"


def test_the_page_speaks_one_language_at_a_time(page: Page) -> None:
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
    assert "84,61%" in page.locator(".result").inner_text()
    assert "trên 10.000 ảnh" in page.locator(".result").inner_text()


def test_vietnamese_readers_start_in_vietnamese(browser: Browser, file: Path) -> None:
    with browser.new_context(locale="vi-VN") as context:
        page = context.new_page()
        page.goto(file.as_uri())
        assert page.locator("h1").inner_text() == "Hồi quy softmax trên MNIST"
        assert page.title() == "Hồi quy softmax trên MNIST"


def texts(page: Page) -> dict[str, str]:
    """What the first element of each string says, by its key."""
    return page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("[data-i18n], [data-i18n-label]")]
             .flatMap((element) => [[element.dataset.i18n, element.textContent],
               [element.dataset.i18nLabel, element.ariaLabel]]).filter(([key]) => key))"""
    )
