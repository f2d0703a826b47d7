"""Write formulas as MathML, which browsers draw without a library, each from a line of text:

    *z = W *x + *b        bold vectors
    a_j^(i)  e^−z_1       an index, a power, or both, without a space
    {/ ∂ L | ∂ *z }       a fraction; {^ ... | ... } a power; {_ ... | ... } something below
    [ 1 ; 0 ; 0 ]         a column; [ w_1,1 , w_1,2 ; w_2,1 , w_2,2 ] a matrix
    #z.0  #z.0=6.7        a number with this name, which a script of the report writes

The attribute data-term names the meaning of a letter, so the report can highlight all elements with
the same meaning. For a fraction or matrix, it follows the opening token: {/La ... or [W ...
"""

import json
import re
from collections.abc import Iterator
from itertools import takewhile

from markupsafe import Markup, escape

TERMS = {"w": "W", "𝑊̂": "W", "b̂": "b"} | {letter: letter for letter in "WbxzayLJα"}  # noqa: RUF001
PAIRS = {"{/": "mfrac", "{^": "msup", "{_": "munder"}
BIG = {"Σ": "∑", "Π": "∏"}
THIN = '<mspace width="0.17em"/>'
BOLD = str.maketrans("abxyzI1", "𝐚𝐛𝐱𝐲𝐳𝐈𝟏")  # noqa: RUF001
TOKEN = re.compile(r"(\*?)([^_^]+)(?:_([^^]+))?(?:\^(.+))?")
PART = re.compile(r"[^\W\d_]_\d|[^\W\d_]_[^\W\d_]|\d+|.")  # of an index or power


def math(text: str) -> Markup:
    """Return the formula that `text` describes as MathML."""
    tokens = iter(text.replace("-", "−").split())
    return Markup(f"<math>{_row(tokens)}</math>")  # noqa: S704 (escaped)


def _row(tokens: Iterator[str], end: str = "") -> str:
    """Return the tokens before `end` as a row."""
    parts = []
    for token in takewhile(lambda token: token != end, tokens):
        if tag := PAIRS.get(token[:2]):
            parts.append(f"<{tag}{_term(token[2:])}>{_row(tokens, '|')}{_row(tokens, '}')}</{tag}>")
        elif token.startswith("["):
            parts.append(_matrix(tokens, _term(token[1:])))
        else:
            parts.append(_symbol(token))
    return f"<mrow>{''.join(parts)}</mrow>"


def _term(name: str) -> str:
    return f' data-term="{name}"' if name else ""


def _matrix(tokens: Iterator[str], term: str) -> str:
    """Return the tokens before ] as a matrix: ; ends a row, and a comma ends a cell."""
    inside = takewhile(lambda part: part != "]", tokens)
    rows = [
        "".join(f"<mtd>{_row(iter(cell.split()))}</mtd>" for cell in row.split(" , "))
        for row in " ".join(inside).split(" ; ")
    ]
    return f'<mtable class="matrix"{term}>{"".join(f"<mtr>{row}</mtr>" for row in rows)}</mtable>'


def _symbol(token: str) -> str:
    """Return a letter, number or operator, with its index and power."""
    bold, base, below, above = TOKEN.findall(token)[0]
    term = _term(TERMS.get(base, ""))
    letter = base.translate(BOLD) if bold else base
    if not (below or above):
        return _atom(letter, term)
    parts = [_atom(letter), *(_row(iter(PART.findall(x))) for x in (below, above) if x)]
    kind = ("munder", "mover") if base in BIG else ("msub", "msup")
    tag = kind[0] + kind[1].removeprefix("m") if below and above else kind[not below]
    return f"<{tag}{term}>{''.join(parts)}</{tag}>"


def _atom(text: str, term: str = "") -> str:
    if text.startswith("#"):
        name, _, value = text[1:].partition("=")
        return f'<mn data-number="{name}">{value}</mn>'
    if match := re.fullmatch(r"−?\d+\.(\d+)", text):
        key = "number.3" if len(match[1]) == 3 else "number"
        values = json.dumps({"value": float(text.replace("−", "-"))})
        return f"<mn data-i18n='{key}' data-values='{values}'>{text}</mn>"
    if text.isdecimal():
        return f"<mn{term}>{text}</mn>"
    if text.isascii() and text.isalpha() and len(text) > 1:
        return f"{THIN}<mi>{text}</mi>{THIN}"
    if text[0].isalpha() and text not in BIG:
        return f"<mi{term}>{text}</mi>"
    return f'<mo stretchy="false">{escape(BIG.get(text, text))}</mo>'
