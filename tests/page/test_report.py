"""The page, as a reader meets it: in Chromium, from disk, with what real MNIST gave."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from clones import Clone
from playwright.sync_api import Browser, Page, ViewportSize, expect
from shared import ROOT

from softmax.core import data, model
from softmax.lesson import examples
from softmax.page import report
from softmax.pipeline import catalog, files, paths

MEGABYTE = 10**6
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
SCHEMES: dict[Literal["light", "dark"], dict[str, Any]] = {
    "light": {},
    "dark": {"runOnly": ["color-contrast"]},
}
PLACEHOLDER = re.compile(r"\{\w+(?::\S)?\}")
SAMPLES = [1802, 1100, 217]


@pytest.fixture(scope="module")
def file(pipeline: Clone) -> Path:
    """The page that the pipeline wrote."""
    return pipeline.folder / paths.REPORT


@pytest.fixture
def page(browser: Browser, file: Path) -> Iterator[Page]:
    """The page on a desktop, in English; in the end it has asked for nothing and said nothing."""
    with browser.new_context(viewport=DESKTOP, locale="en-GB", reduced_motion="reduce") as context:
        page = context.new_page()
        faults: list[str] = []
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: faults.append(request.url))
        page.goto(file.as_uri())
        yield page
        asked = [fault for fault in faults if not fault.startswith("data:")]
        assert asked == [file.as_uri()]


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


def test_the_examples_name_their_points(page: Page) -> None:
    text = page.locator("#examples p").first.inner_text().replace("−", "-")
    named = re.findall(r"\((\S+), (\S+)\)", text)
    assert np.array_equal(np.array(named, float).T, examples.POINTS[:-1] / 255)


def test_the_examples_say_how_far_they_are_from_finite_differences(
    page: Page, pipeline: Clone
) -> None:
    table = pd.read_csv(pipeline.folder / paths.LESSON_EXAMPLES)
    expected = table["finite_differences_off_by"].map("{:.2e}".format).replace("nan", "")
    shown = page.locator(".numbers > tbody > tr > td:last-child").all_inner_texts()
    exponents = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    numbers = [text.replace("\u00a0·\u00a010⁻", "e-0").translate(exponents) for text in shown]
    assert numbers == expected.tolist()
    assert "less than 1.00\u00a0·\u00a010⁻⁷ away" in page.locator("#examples .note").inner_text()


def test_all_can_be_reached_and_pressed_by_keyboard(page: Page) -> None:
    cell = page.locator("[data-label='4'][data-prediction='9']")
    cell.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#cell")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#explanation")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(cell).to_be_focused()


def test_a_click_beside_a_dialog_closes_it(page: Page) -> None:
    page.locator("#samples button").first.click()
    page.mouse.click(5, 450)
    expect(page.locator("#explanation")).not_to_be_visible()


def test_without_javascript_the_page_says_first_that_it_needs_it(
    browser: Browser, file: Path
) -> None:
    with browser.new_context(viewport=PHONE, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(file.as_uri())
        box = page.locator("noscript").bounding_box()
        assert box
        assert box["y"] == 0 < box["height"]


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
            const said = "body :is([data-i18n], code, .formula, [lang], script, noscript)";
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


@pytest.mark.parametrize("locale", ["en-GB", "vi-VN"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_is_against_wcag(browser: Browser, file: Path, locale: str, viewport: Any) -> None:
    with browser.new_context(viewport=viewport, locale=locale, reduced_motion="reduce") as context:
        page = context.new_page()
        page.goto(file.as_uri())
        assert violations(page) == []
        page.locator("button[data-prediction]").first.click()
        assert violations(page, "#cell-images") == []
        page.locator("#cell-images button").first.click()
        assert violations(page, "dialog[open]") == []


@pytest.mark.parametrize("width", [320, 390, 768])
def test_a_narrow_page_does_not_scroll_sideways(browser: Browser, file: Path, width: int) -> None:
    with browser.new_context(viewport={"width": width, "height": 800}) as context:
        page = context.new_page()
        page.goto(file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.locator("#samples button").first.click()
        overflow = "(dialog) => dialog.scrollWidth - dialog.clientWidth"
        assert page.locator("#explanation").evaluate(overflow) == 0


@pytest.mark.parametrize("locale", ["en-GB", "vi-VN"])
@pytest.mark.parametrize("width", [390, 659])
def test_tables_and_sums_fit_on_a_phone_and_in_mlflow(
    browser: Browser, file: Path, width: int, locale: str
) -> None:
    with browser.new_context(viewport={"width": width, "height": 800}, locale=locale) as context:
        page = context.new_page()
        page.goto(file.as_uri())
        overflows = page.locator(".wide").evaluate_all(
            "(places) => places.map((place) => place.scrollWidth - place.clientWidth)"
        )
        assert overflows == [0, 0, 0]
        page.locator("#samples button").first.click()
        heights = page.locator("#contributions span").evaluate_all(
            "(lines) => lines.map((line) => line.offsetHeight)"
        )
        assert len(set(heights)) == 1


def test_the_page_works_in_mlflows_artifact_viewer(browser: Browser, file: Path) -> None:
    """In a sandbox, as a blob: no storage, no origin, and no links that a browser follows."""
    viewer = "<iframe sandbox='allow-scripts' width='1000' height='700'></iframe>"
    faults: list[str] = []
    page = browser.new_page(locale="en-GB", reduced_motion="reduce")
    page.on("console", lambda message: faults.append(message.text))
    page.route("http://viewer/", lambda route: route.fulfill(body=viewer, content_type="text/html"))
    page.route("http://viewer/index.html", lambda route: route.fulfill(path=file))
    page.goto("http://viewer/")
    page.locator("iframe").evaluate(
        """async (frame) => {
             frame.src = URL.createObjectURL(await (await fetch("index.html")).blob());
           }"""
    )
    inside = page.frame_locator("iframe")
    expect(inside.locator("#samples article")).to_have_count(3)
    expect(inside.locator("#drawing")).not_to_be_in_viewport()
    inside.get_by_role("link", name="Draw").click()
    expect(inside.locator("#drawing")).to_be_in_viewport()
    expect(inside.locator("#drawing")).to_be_focused()
    inside.locator("#samples button").first.click()
    expect(inside.locator("#contributions canvas")).to_have_count(10)
    assert faults == []
    page.close()


def texts(page: Page) -> dict[str, str]:
    """What the first element of each string says, by its key."""
    return page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("[data-i18n], [data-i18n-label]")]
             .flatMap((element) => [[element.dataset.i18n, element.textContent],
               [element.dataset.i18nLabel, element.ariaLabel]]).filter(([key]) => key))"""
    )


def violations(page: Page, within: str | None = None) -> list[str]:
    """The rules of axe that the page breaks, or a part of it, in light or dark, and where.

    In the dark only the colours are others.
    """
    broken = []
    for scheme, rules in SCHEMES.items():
        page.emulate_media(color_scheme=scheme)
        options = {"resultTypes": ["violations"], **rules}
        found = Axe().run(page, within, options).response["violations"]
        broken += [f"{scheme}: {rule['id']}: {rule['nodes'][0]['html']}" for rule in found]
    return broken
