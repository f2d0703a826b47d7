"""The content of the page, as a reader meets it, against what the pipeline wrote."""

import base64
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clones import Clone
from page.opened import _file, _page  # noqa: F401 (fixtures)
from playwright.sync_api import Page, expect

from softmax.core import data, model
from softmax.page import report
from softmax.pipeline import catalog, files, paths

MEGABYTE = 10**6
SAMPLES = [1802, 1100, 217]


def test_the_page_is_one_small_file(file: Path) -> None:
    assert file.stat().st_size < 3 * MEGABYTE
    assert [path.name for path in file.parent.iterdir()] == ["index.html"]


def test_the_contents_are_the_sections_in_their_order(page: Page) -> None:
    links = page.locator("nav a").evaluate_all("(links) => links.map((link) => link.hash)")
    sections = page.locator("section").evaluate_all("(all) => all.map((section) => section.id)")
    assert ["#results", *links] == [f"#{section}" for section in sections]


def test_the_top_says_the_result_and_its_hashes(page: Page, file: Path) -> None:
    line = page.locator(".result").inner_text()
    assert line.startswith("84.61% accuracy on 10,000 test images")
    hashes = page.locator("#hashes td code").all_inner_texts()
    weights = files.sha256(file.parents[1] / paths.WEIGHTS)
    assert hashes == [*catalog.load()["mnist"].sha256, weights]
    assert re.findall(r"\b[0-9a-f]{8}\b", line) == [text[:8] for text in hashes]


def test_javascript_gives_all_test_images_the_labels_and_probabilities_of_python(
    page: Page, pipeline: Clone
) -> None:
    images = data.read_idx(pipeline.folder / catalog.test_files("mnist")[0], 3).reshape(10000, -1)
    expected = pd.read_csv(pipeline.folder / paths.PREDICTIONS)
    program = """async (text) => {
      const { classify } = await import("softmax/digits");
      const { predict } = await import("softmax/model");
      const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
      return Array.from({ length: bytes.length / 784 }, (_, k) => {
        const { z, a } = classify(bytes.subarray(784 * k, 784 * (k + 1)));
        return [predict(z), ...a];
      });
    }"""
    rows: list[list[float]] = []
    for start in range(0, len(images), 1000):
        chunk = base64.b64encode(images[start : start + 1000].tobytes()).decode()
        rows += page.evaluate(program, chunk)
    assert np.array_equal(np.array(rows), expected.drop(columns="label").to_numpy())


def test_a_cell_opens_exactly_its_images(page: Page, pipeline: Clone) -> None:
    table = pd.read_csv(pipeline.folder / paths.PREDICTIONS)
    images = data.read_idx(pipeline.folder / catalog.test_files("mnist")[0], 3)
    cells = page.locator("button[data-prediction]")
    assert sum(map(int, cells.all_inner_texts())) == 10000
    for label, prediction, most in ((4, 9, None), (0, 8, None), (3, 3, report.RIGHT_SHOWN)):
        behind = table.query(f"label == {label} and prediction == {prediction}").index
        cell = page.locator(f"[data-label='{label}'][data-prediction='{prediction}']")
        assert cell.inner_text() == str(len(behind))
        cell.click()
        drawn = page.locator("#cell canvas").evaluate_all(
            """(canvases) => canvases.map((canvas) => [...canvas.getContext("2d")
                 .getImageData(0, 0, 28, 28).data].filter((_, k) => k % 4 === 0))"""
        )
        assert np.array_equal(np.array(drawn), images[behind[:most]].reshape(-1, 784))
        said = f"{len(drawn)} of {len(behind)}, each with its probability."
        assert page.locator("#cell-text").inner_text() == said
        page.keyboard.press("Escape")
        expect(page.locator("#cell")).not_to_be_visible()


def test_samples_and_mistakes_are_the_lectures_and_the_most_confident(
    page: Page, pipeline: Clone
) -> None:
    assert page.locator("#samples h3").all_inner_texts() == [f"Test image {k}" for k in SAMPLES]
    table = pd.read_csv(pipeline.folder / paths.PREDICTIONS)
    table["confidence"] = table.filter(regex=r"p\d").max(axis=1)
    wrong = table.query("label != prediction").sort_values("confidence", ascending=False)
    assert page.locator("#mistakes span").all_inner_texts() == [
        f"{row.label:.0f} → {row.prediction:.0f}, {row.confidence:.2f}"
        for row in wrong.head(report.MISTAKES).itertuples()
    ]


def test_an_explanation_is_the_terms_of_the_score(page: Page, pipeline: Clone) -> None:
    k = SAMPLES[2]  # a 6, called 5
    theta = model.load(pipeline.folder / paths.WEIGHTS)
    pixels = data.read_idx(pipeline.folder / catalog.test_files("mnist")[0], 3)[k].ravel()
    terms = theta[:, :-1] * pixels / 255
    page.locator("#samples button").last.click()
    assert page.locator("#explanation h2").inner_text() == f"Test image {k}: a 6, called 5"
    captions = page.locator("#contributions figcaption").all_inner_texts()
    for caption, class_terms, bias in zip(captions, terms, theta[:, -1], strict=True):
        shown = [float(x) for x in re.findall(r"= (\S+)", caption.replace("−", "-"))]
        assert shown == pytest.approx([class_terms.sum(), bias, class_terms.sum() + bias], abs=6e-5)
    drawn = np.array(
        page.locator("#contributions canvas").evaluate_all(
            "(canvases) => canvases.map((canvas) => [...canvas.getContext('2d')"
            ".getImageData(0, 0, 28, 28).data])"
        )
    ).reshape(10, 784, 4)
    strength = 255 * abs(terms) / abs(terms).max()
    assert abs(drawn[..., 3] - strength).max() <= 0.5 + 1e-9
    clear = strength > 32  # else colours are rounded by the canvas
    assert ((drawn[..., 0] > drawn[..., 2]) == (terms > 0))[clear].all()


def test_an_explanation_adds_up_exactly(page: Page) -> None:
    program = """async () => {
      const { classify, images, theta } = await import("softmax/digits");
      const { pixelsPart } = await import("softmax/explanation");
      return [...images.values()].slice(0, 100).flatMap(({ pixels }) => classify(pixels).z
        .map((z, k) => pixelsPart(k, pixels) + theta[k].at(-1) - z));
    }"""
    assert max(map(abs, page.evaluate(program))) < 1e-14  # the sum of two divisions, not of one


def test_the_examples_say_how_far_they_are_from_finite_differences(
    page: Page, pipeline: Clone
) -> None:
    table = pd.read_csv(pipeline.folder / paths.LESSON_EXAMPLES)
    expected = table["finite_differences_off_by"].map("{:.2e}".format).replace("nan", "")
    page.locator("#examples > summary").click()
    shown = page.locator("#examples table.numbers > tbody > tr > td:last-child").all_inner_texts()
    exponents = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    numbers = [text.replace("\u00a0·\u00a010⁻", "e-0").translate(exponents) for text in shown]
    assert numbers == expected.tolist()
    assert "less than 1.00\u00a0·\u00a010⁻⁷ away" in page.locator("#examples .note").inner_text()
