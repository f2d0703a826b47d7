"""The content of the page, as a reader meets it, against what the pipeline wrote."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clones import Clone
from page.opened import _file, _page, rgba  # noqa: F401 (fixtures)
from playwright.sync_api import Page, expect

from softmax.core import data
from softmax.page import images
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


def test_the_top_says_the_result(page: Page) -> None:
    said = "84.61% accuracy on 10,000 test images."
    assert page.locator("#results strong").inner_text() == said


def test_the_hashes_are_folded_at_the_end(page: Page, file: Path) -> None:
    hashes = page.locator("#hashes td code")
    weights = files.sha256(file.parents[1] / paths.WEIGHTS)
    assert hashes.all_text_contents() == [*catalog.load()["mnist"].sha256, weights]
    expect(hashes.first).not_to_be_visible()
    page.locator("#hashes summary").click()
    expect(hashes.first).to_be_visible()
    page.locator("#hashes summary").click()
    assert page.locator("section").last.get_attribute("id") == "hashes"


def test_javascript_gives_all_test_images_the_labels_and_probabilities_of_python(
    page: Page, pipeline: Clone
) -> None:
    expected = pd.read_csv(pipeline.folder / paths.PREDICTIONS)
    program = """async () => {
      const { classify, images } = await import("softmax/digits");
      const { predict } = await import("softmax/model");
      const all = [...(await images).values()].sort((one, other) => one.index - other.index);
      return all.map(({ label, pixels }) => {
        const { z, a } = classify(pixels);
        return [label, predict(z), ...a];
      }).join("\\n");
    }"""
    rows = [line.split(",") for line in page.evaluate(program).split()]
    assert np.array_equal(np.array(rows, float), expected.to_numpy())


@pytest.mark.parametrize(("label", "prediction"), [(4, 9), (1, 1)])
def test_all_images_are_behind_a_cell_the_most_confident_first(
    page: Page, pipeline: Clone, label: int, prediction: int
) -> None:
    table = pd.read_csv(pipeline.folder / paths.PREDICTIONS)
    behind = table.query(f"label == {label} and prediction == {prediction}")
    order = (
        behind.filter(regex=r"p\d").max(axis=1).sort_values(ascending=False, kind="stable").index
    )
    pictures = data.read_idx(pipeline.folder / catalog.test_files("mnist")[0], 3)
    page.locator(f"[data-label='{label}'][data-prediction='{prediction}']").click()
    canvases = page.locator("#cell canvas")
    expect(canvases).to_have_count(len(behind))
    assert np.array_equal(rgba(canvases)[..., 0].reshape(-1, 28, 28), pictures[order])
    said = f"{len(behind):,} of {len(behind):,}, the most confident first, "
    assert page.locator("#cell-text").inner_text().startswith(said)


def test_the_counts_of_the_confusion_add_up(page: Page) -> None:
    cells = page.locator("button[data-prediction]")
    assert sum(map(int, cells.all_inner_texts())) == 10000


def test_the_images_in_the_page_are_those_of_the_file(page: Page, pipeline: Clone) -> None:
    """All of them, to the last pixel, with their labels."""
    image_file, label_file = (pipeline.folder / path for path in catalog.test_files("mnist"))
    pictures, labels = data.read_idx(image_file, 3), data.read_idx(label_file, 1)
    program = """async () => {
      const { images } = await import("softmax/digits");
      const all = [...(await images).values()].sort((one, other) => one.index - other.index);
      const pixels = new Uint8Array(await new Blob(all.map((image) => image.pixels)).arrayBuffer());
      const digest = await crypto.subtle.digest("SHA-256", pixels);
      return [[...new Uint8Array(digest)], all.map(({ label }) => label)];
    }"""
    digest, shown = page.evaluate(program)
    assert bytes(digest) == hashlib.sha256(pictures.tobytes()).digest()
    assert shown == labels.tolist()


def test_samples_and_mistakes_are_the_lectures_and_the_most_confident(
    page: Page, pipeline: Clone
) -> None:
    assert page.locator("#samples h3").all_inner_texts() == [f"Test image {k}" for k in SAMPLES]
    table = pd.read_csv(pipeline.folder / paths.PREDICTIONS)
    table["confidence"] = table.filter(regex=r"p\d").max(axis=1)
    wrong = table.query("label != prediction").sort_values("confidence", ascending=False)
    assert page.locator("#most-confident span").all_inner_texts() == [
        f"{row.label:.0f} → {row.prediction:.0f}, {row.confidence:.2f}"
        for row in wrong.head(images.MISTAKES).itertuples()
    ]


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
