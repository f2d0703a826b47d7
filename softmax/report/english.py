"""The page's English, written into the file for readers and printers without JavaScript.

An element names its text by data-i18n and its accessible name by data-i18n-label; data-values holds
what stands for {name} in them. scripts/i18n.js says the same, in both languages.
"""

import html
import json
import re
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from html.parser import HTMLParser
from itertools import accumulate
from typing import Any

PLACEHOLDER = re.compile(r"\{(\w+)(?::([\d%gic]))?\}")
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def fill(page: str, strings: dict[str, dict[str, str]], classes: Sequence[str]) -> str:
    """`page` with the English of each element that names a string and has no text yet.

    `classes` are the names of the classes.
    """

    def say(key: str, values: dict[str, Any]) -> str:
        return PLACEHOLDER.sub(
            lambda found: _written(values[found[1]], found[2], classes), strings[key]["en"]
        )

    parser = _Insertions(page, say)
    parser.feed(page)
    written, last = [], 0
    for place, text in parser.found:
        written += [page[last:place], text]
        last = place
    return "".join([*written, page[last:]])


class _Insertions(HTMLParser):
    """What is to be inserted into a page, each with its place in it."""

    def __init__(self, page: str, say: Callable[[str, dict[str, Any]], str]) -> None:
        super().__init__()
        self.say = say
        self.lines = [0, *accumulate(len(line) + 1 for line in page.split("\n"))]
        self.found: list[tuple[int, str]] = []

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        values = json.loads(given.get("data-values") or "{}")
        end = self.here() + len(source := self.get_starttag_text() or "")
        if key := given.get("data-i18n-label"):
            label = f' aria-label="{html.escape(self.say(key, values))}"'
            self.found.append((end - (2 if source.endswith("/>") else 1), label))
        if key := given.get("data-i18n"):
            self.found.append((end, html.escape(self.say(key, values), quote=False)))

    def handle_data(self, data: str) -> None:
        if data.strip() and self.found and self.found[-1][0] == self.here():
            self.found.pop()  # what has a text keeps it

    def here(self) -> int:
        """The place of what the parser has just met."""
        line, column = self.getpos()
        return self.lines[line - 1] + column


def _written(value: Any, form: str | None, classes: Sequence[str]) -> str:
    """`value` as scripts/i18n.js writes it."""
    if isinstance(value, str):
        return value
    match form:
        case "c":
            return classes[value]
        case "i":
            return str(value)
        case "%":
            text = f"{_rounded(Decimal(value) * 100, 2)}%"
        case "g":
            text = _short(value)
        case decimals:
            text = _rounded(Decimal(value), int(decimals or 0))
    return re.sub(r"^-(?=0(?:\.0*)?%?$)", "", text).replace("-", "−")


def _rounded(value: Decimal, decimals: int) -> str:
    """A tie goes away from 0, as in browsers."""
    return f"{value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):,}"


def _short(value: float) -> str:
    """Four digits at most, below a thousandth with a power of ten."""
    if value and abs(value) < 1e-3:
        digits, exponent = f"{value:.2e}".split("e-")
        return f"{digits}\u00a0·\u00a010⁻{str(int(exponent)).translate(SUPERSCRIPTS)}"
    text = f"{float(f'{value:.4g}'):,.10f}"
    return text.rstrip("0").rstrip(".")
