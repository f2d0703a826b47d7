"""Names of classes are shown as they are wherever Markdown has them."""

import re
from collections.abc import Callable, Sequence

import hypothesis
import numpy as np
import pandas as pd
import pytest
from analysis.sides import report, version
from analysis.test_model_card import card, table
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from softmax.analysis.dataset_changes import describe
from softmax.analysis.model_card import literal
from softmax.tracking import views

ODD = ("a|b", "@me", "<b>x</b>", "[l](http://x.y)", "www.x.y #1 :tada:", "\\|`*_~$&amp;", "1e5")
LINKS = re.compile(r"@\w|#\d|:\w+:|://|www\.|\$\S")  # what GitHub makes something of
NAMES = st.text("ab1w |@#:/.\\`*_~[]()<>&!$;-", min_size=1, max_size=40)
SPLIT = "<!---->"


def rendered(page: str) -> list[str]:
    """Return the text of each paragraph and cell; AssertionError if it is more than text."""
    found = []
    for block in MarkdownIt("commonmark").enable("table").parse(page):
        assert block.type != "html_block", block
        if block.type == "inline" and block.children is not None:
            runs = [child.content for child in block.children if child.type != "html_inline"]
            kinds = {child.type for child in block.children} - {"strong_open", "strong_close"}
            assert kinds <= {"text", "html_inline", "softbreak", "code_inline"}, page
            assert {c.content for c in block.children if c.type == "html_inline"} <= {SPLIT}
            found.append("".join(runs))
            assert not any(map(LINKS.search, runs)), page
    return found


def changed(names: Sequence[str]) -> str:
    """Return what changed to a data set with these names."""
    images = version("A" * len(names), "a" * len(names))
    labels = np.arange(len(names))
    return describe(images, images._replace(classes=names, test=(images.test[0], labels)))


def compared(names: Sequence[str]) -> str:
    """Return the comparison with a model of other classes."""
    classes = pd.DataFrame({"recall": 0.1, "f1": 0.1}, ["cat", *names])
    tiles = np.ones((len(classes), 28, 28))
    return re.sub(r"</?details>.*|!\[.*", "", report(classes=classes, tiles=tiles))


def confused(names: Sequence[str]) -> str:
    """Return the note in MLflow of a model with these classes."""
    return views.mistakes(pd.DataFrame(1, [*names], [*names]))


@pytest.mark.parametrize(
    "page",
    [
        lambda names: card(table(), classes=names[:3]) + card(table(), classes=names[3:6]),
        changed,
        compared,
        confused,
        lambda names: confused([*names, *"abcdefghijklm"]),
    ],
)
def test_names_of_classes_are_text(page: Callable[[Sequence[str]], str]) -> None:
    texts = rendered(page(ODD))
    for name in ODD[:6]:
        assert name in texts or any(f", {name}" in text for text in texts), name


@hypothesis.given(NAMES)
def test_any_name_is_text(name: str) -> None:
    shown = " ".join(name.split())
    row = f"| {literal(name)} | {literal(name)}. |"
    assert rendered(f"| a | b |\n| - | - |\n{row}")[2:] == [shown, f"{shown}."]
    assert rendered(f'- of "{literal(name)}"') == [f'of "{shown}"']
