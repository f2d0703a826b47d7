"""The text of the report in English and in Vietnamese, without a browser."""

import json
import re

import pytest
from helpers.shared import ROOT

from softmax.page import english, report

PLACEHOLDER = re.compile(r"\{\w+(?::\S)?\}")


def test_every_string_is_there_in_both_languages_and_used() -> None:
    for key, languages in report.strings().items():
        assert set(languages) == {"en", "vi"}, key
        assert all(text.strip() == text != "" for text in languages.values()), key
        used = [sorted(PLACEHOLDER.findall(text)) for text in languages.values()]
        assert used[0] == used[1], key
        words = re.findall(r"[^\W\d_]{2,}", PLACEHOLDER.sub("", languages["en"]))
        assert languages["en"] != languages["vi"] or set(words) <= {"epoch", "seed"}, key
    files = (ROOT / "softmax/page/strings").glob("*.json")
    total = sum(len(json.loads(path.read_text())) for path in files)
    assert len(report.strings()) == total  # none twice
    assert len({tuple(languages.items()) for languages in report.strings().values()}) == total
    directories = (ROOT / "softmax/page/templates", ROOT / "softmax/page/scripts")
    sources = [path.read_text() for directory in directories for path in directory.iterdir()]
    named = {name for text in sources for name in re.findall(r"[\"`]([\w.${} -]+)[\"`]", text)}
    patterns = {
        re.sub(r"\$?\{+[^}]*\}+", ".+", re.sub(r"\.(?![+])", r"\.", name)) for name in named
    }
    patterns -= {".+", ""}
    for key in report.strings():
        assert any(re.fullmatch(pattern, key) for pattern in patterns), f"nothing uses {key}"


def test_what_has_a_text_keeps_it() -> None:
    strings = {"a": {"en": "A & B"}}
    page = "<p data-i18n=a></p>\n<p data-i18n=a>C</p>\n<hr data-i18n-label=a>"
    filled = "<p data-i18n=a>A &amp; B</p>\n<p data-i18n=a>C</p>\n<hr data-i18n-label=a"
    assert english.fill(page, strings, "mnist") == filled + ' aria-label="A &amp; B">'


@pytest.mark.parametrize(
    ("form", "value", "written"),
    [
        ("", 123456.78, "123,457"),
        (":3", -0.0004, "0.000"),
        (":2", -0.125, "−0.13"),
        (":%", 0.84606, "84.61%"),
        (":g", 0.00123456, "0.001235"),
        (":g", -2.5e-4, "−2.50\u00a0·\u00a010⁻⁴"),
        (":i", 10000, "10000"),
        (":c", 1, "shirt"),
    ],
)
def test_numbers_and_classes_are_written_as_people_write_them(
    form: str, value: float, written: str
) -> None:
    """test_languages.py has JavaScript write them alike."""
    strings = {"a": {"en": f"It is {{value{form}}}."}}
    page = f"""<p data-i18n=a data-values='{{"value": {value}}}'>"""
    assert english.fill(page, strings, ["bag", "shirt"]) == f"{page}It is {written}."
