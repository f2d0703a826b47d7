"""Write the report's English into the file, for readers and printers without JavaScript.

data-i18n is the key of an element's text, data-i18n-label that of its accessible name, and
data-values has the values of placeholders. scripts/i18n.js writes the same text in both languages.
"""

import html
import json
import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any

# A tag without its end (Jinja escapes > in values), its end, and the first letter of its text.
TAG = re.compile(r"(<[^>]*\sdata-i18n(?:-label)?=[^>]*?)(/?>)(\s*[^<\s])?")
ATTRIBUTE = re.compile(r"""([\w-]+)=(["'])(.*?)\2""", re.DOTALL)
PLACEHOLDER = re.compile(r"\{(\w+)(?::([\d%pgic]))?\}")
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def fill(page: str, strings: dict[str, dict[str, str]], classes: Sequence[str]) -> str:
    """Return `page` with English text in each element that names a string and is empty."""

    def text_of(key: str, values: dict[str, Any]) -> str:
        value = partial(_value, values=values, classes=classes)
        return PLACEHOLDER.sub(value, strings[key]["en"])

    def filled(tag: re.Match[str]) -> str:
        start, end, text = tag.groups(default="")
        given = {name: html.unescape(value) for name, _, value in ATTRIBUTE.findall(start)}
        values = json.loads(given.get("data-values", "{}"))
        if key := given.get("data-i18n-label"):
            start += f' aria-label="{html.escape(text_of(key, values))}"'
        if (key := given.get("data-i18n")) and not text:
            end += html.escape(text_of(key, values), quote=False)
        return start + end + text

    return TAG.sub(filled, page)


def _value(found: re.Match[str], values: dict[str, Any], classes: Sequence[str]) -> str:
    """Return the value of a placeholder in the format of scripts/i18n.js."""
    value, form = values[found[1]], found[2]
    if isinstance(value, str):
        return value
    match form:
        case "c":
            return classes[value]
        case "i":
            return str(value)
        case "%" | "p":
            text = f"{_rounded(Decimal(str(value)) * 100, 2 if form == '%' else 0)}%"
        case "g":
            text = _short(value)
        case decimals:
            text = _rounded(Decimal(str(value)), int(decimals or 0))
    return re.sub(r"^-(?=0(?:\.0*)?%?$)", "", text).replace("-", "−")


def _rounded(value: Decimal, decimals: int) -> str:
    """Round a decimal number, with ties away from 0, as browsers do."""
    return f"{value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):,}"


def _short(value: float) -> str:
    """Return `value` with at most four digits, and below 0.001 with a power of ten."""
    if value and abs(value) < 1e-3:
        digits, exponent = f"{value:.2e}".split("e-")
        return f"{digits}\u00a0·\u00a010⁻{str(int(exponent)).translate(SUPERSCRIPTS)}"
    text = f"{float(f'{value:.4g}'):,.10f}"
    return text.rstrip("0").rstrip(".")
