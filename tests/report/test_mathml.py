"""Test formulas, which are converted from a line of text to MathML."""

import re

import pytest

from softmax.report.mathml import math


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < b", "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"),  # the text is escaped
        ("log a", "<mspace><mi>log</mi><mspace><mi>a</mi>"),
        (
            "a_j^(i)",
            "<msubsup><mi>a</mi><mrow><mi>j</mi></mrow>"
            "<mrow><mo>(</mo><mi>i</mi><mo>)</mo></mrow></msubsup>",
        ),
        (
            "Σ_j=1^3",
            "<munderover><mo>∑</mo><mrow><mi>j</mi><mo>=</mo><mn>1</mn></mrow>"
            "<mrow><mn>3</mn></mrow></munderover>",
        ),
        (
            "{/ a | {^ b | 2 } }",
            "<mfrac><mrow><mi>a</mi></mrow><mrow><msup><mrow><mi>b</mi></mrow>"
            "<mrow><mn>2</mn></mrow></msup></mrow></mfrac>",
        ),
        (
            "[ a ; 1 ]",
            "<mtable><mtr><mtd><mrow><mi>a</mi></mrow></mtd></mtr>"
            "<mtr><mtd><mrow><mn>1</mn></mrow></mtd></mtr></mtable>",
        ),
    ],
)
def test_formulas_become_mathml(text: str, expected: str) -> None:
    without_attributes = re.sub(r"(<\w+) [^>]*>", r"\1>", str(math(text)))
    assert without_attributes == f"<math><mrow>{expected}</mrow></math>"


def test_vectors_are_bold_and_letters_are_terms() -> None:
    assert 'data-term="z">\N{MATHEMATICAL BOLD SMALL Z}</mi>' in math("*z")
    assert 'data-term="W"><mi>w</mi>' in math("w_2,1")
    assert '<mfrac data-term="La">' in math("{/La ∂ L | ∂ a_i }")
    assert '<mtable class="matrix" data-term="W">' in math("[W 1 ; 2 ]")


def test_decimals_are_localized_and_placeholders_can_be_filled() -> None:
    assert "data-i18n='number' data-values='{\"value\": -0.5}'>−0.5</mn>" in math("-0.5")
    assert "data-i18n='number.3'" in math("6.699")
    assert '<mn data-number="z.0"></mn>' in math("#z.0")
    assert '<mn data-number="z.0">6.7</mn>' in math("#z.0=6.7")
