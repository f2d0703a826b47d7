"""The report of other data sets: other names, shapes and numbers of classes, gray or RGB."""

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.digits import write_idx
from helpers.report import facts, opened, rgba, section, unpacked
from helpers.workspace import Workspace, run_stages
from numpy.typing import NDArray
from playwright.sync_api import Browser, Locator, expect

from softmax.core import model
from softmax.page import report
from softmax.pipeline import catalog, files, paths
from softmax.provenance import lock

Shape = tuple[int, ...]
FASHION = ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker"]
FASHION += ["bag", "ankle boot"]


def things(count: int) -> list[str]:
    """Return names of classes."""
    return [f"thing {k}" for k in range(count)]


def report_of(workspace: Workspace, name: str, shape: Shape, classes: list[str]) -> Path:
    """Train on random images, four training and two test images of each class; return the report.

    The first row of all images is black.
    """
    directory, random, pinned = catalog.directory(name), np.random.default_rng(0), {}
    directory.mkdir()
    for prefix, count in {"train": 4 * len(classes), "t10k": 2 * len(classes)}.items():
        images = random.integers(256, size=(count, *shape))
        images[:, 0] = 0
        write_idx(directory / f"{prefix}-images-idx3-ubyte", images)
        write_idx(directory / f"{prefix}-labels-idx1-ubyte", np.arange(count) % len(classes))
    for file in catalog.FILES:
        pinned[file] = files.sha256(directory / file)
    counts = [4 * len(classes), 2 * len(classes)]
    entry = {"images": counts, "shape": [*shape], "classes": classes, **pinned}
    catalog.PATH.write_text(yaml.safe_dump({name: entry}))
    workspace.set(download={"dataset": name}, train={"batch_size": 4}, evaluate={"samples": [1]})
    lock.PATH.unlink()
    run_stages(("train", "evaluate", "report"))
    return paths.REPORT.absolute()


@pytest.mark.parametrize(
    ("shape", "classes", "said"),
    [((28, 28), 47, "in 47 classes"), ((64, 80, 3), 2, "15,360 features")],
    ids=["gray", "RGB"],
)
def test_images_of_other_shapes_and_classes_have_a_report(
    workspace: Workspace, shape: Shape, classes: int, said: str
) -> None:
    """With a pad where images are 28 x 28 and gray, as it makes them, and all names."""
    text = report_of(workspace, "mine", shape, things(classes)).read_text(encoding="utf-8")
    pad = shape == (28, 28)
    assert ('<section id="drawing"' in text, 'href="#drawing"' in text) == (pad, pad)
    assert said in section(text, "data")
    for table in ("data", "confusion", "weights"):
        assert [name for name in things(classes) if name not in section(text, table)] == []
    dark = math.prod(shape[1:])
    assert f"{dark:,} pixels are 0 in every training image" in section(text, "weights")
    assert f"{classes * dark:,} of these {classes * dark:,} weights are, bit for bit" in text
    assert facts(text)["data"]["test"] == [2] * classes


def test_classes_have_names_and_held_out_images_losses(
    workspace: Workspace, browser: Browser
) -> None:
    workspace.set(train={"validation": 7})
    file = report_of(workspace, "fashion-mnist", (28, 28), FASHION)
    text = file.read_text(encoding="utf-8")
    for name in ("drawing", "data", "curves", "weights", "samples", "confusion", "mistakes"):
        assert "digit" not in section(text, name)
    assert section(text, "drawing").startswith("Draw something")
    with opened(browser, file) as page:
        assert page.title() == "Softmax regression on Fashion-MNIST"
        losses = pd.read_csv(paths.EPOCHS)["validation_loss"]
        top = float(page.locator("#loss .level").last.inner_text())
        dots = page.locator("#loss .held-out").evaluate_all(
            "(dots) => dots.map((dot) => parseFloat(dot.style.bottom))"
        )
        np.testing.assert_allclose(dots, 100 * losses / top, rtol=1e-5)
        page.locator("#drawing-classes").get_by_role("button", name="sneaker").click()
        page.locator("#drawing-why").click()
        expect(page.locator("#explanation-title")).to_contain_text(": sneaker, called ")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Tiếng Việt").click()
        expect(page.locator("#data tbody th").last).to_have_text("bốt cổ ngắn")


def test_colors_are_those_of_the_image_and_weights_lie_side_by_side(
    workspace: Workspace, browser: Browser
) -> None:
    shape = (4, 6, 3)
    file = report_of(workspace, "mine", shape, things(12))
    (piece,) = facts(file.read_text(encoding="utf-8"))["images"]
    pixels = unpacked(piece["pixels"]).reshape(-1, *shape)[piece["index"].index(1)]
    theta = model.load(paths.WEIGHTS)
    size = "({ width, height }) => [width, height]"
    with opened(browser, file) as page:
        assert (channels(page.locator("#samples canvas"))[..., :3] == pixels).all()
        tile = page.locator("[data-weights=gray] canvas").last
        w = theta[11, :-1].reshape(shape)
        gray = 255 * (np.hstack([w[..., k] for k in range(3)]) - w.min()) / np.ptp(w)
        assert abs(channels(tile)[..., 0] - gray).max() <= 0.5 + 1e-9
        tile.hover(position={"x": 2, "y": 2})
        said = f"row 1, column 1, red: w = {w[0, 0, 0]:.4f}".replace("-", "−")
        expect(page.locator("#pixel")).to_have_text(said)
        page.locator("#samples button").click()
        assert page.locator("#explained-image").evaluate(size) == [6, 4]
        assert page.locator("#versus canvas").last.evaluate(size) == [6, 4]
        for place in ("#explained-scores tr", "#contributions figure", "#versus-rivals button"):
            expect(page.locator(place)).to_have_count(10)  # of the twelve classes
        expect(page.locator("#explained-scores .right")).to_contain_text("thing 1")


def test_what_is_too_much_for_a_file_is_left_out_and_said(
    workspace: Workspace, browser: Browser
) -> None:
    """Of 300 classes of large images: the weights, and all but fifty rows of each table."""
    file = report_of(workspace, "mine", (40, 40), things(300))
    assert file.stat().st_size < report.LIMIT
    text = file.read_text(encoding="utf-8")
    told = facts(text)
    assert told["theta"] is None
    assert "480,300 weights are too many" in section(text, "results")
    assert "300 classes, tables and pictures list the 50" in section(text, "data")
    listed = [f"thing {k}" for k in told["listed"]]
    assert len(listed) == 50
    with opened(browser, file) as page:
        assert page.locator("#data tbody th").all_inner_texts() == listed
        assert page.locator("#confusion tbody th").all_inner_texts() == listed
        expect(page.locator("#drawing, #samples, #mistakes button")).to_have_count(0)
        wrong, a = told["mistakes"][0], told["images"][0]["a"][0]
        assert told["images"][0]["index"][0] == wrong
        expect(page.locator("#most-confident span").first).to_contain_text(f", {a:.2f}")
        cell = page.locator("button[data-prediction]").first
        count = cell.inner_text()
        cell.click()
        said = page.locator("#cell-text").inner_text()
        assert re.match(rf"\d+ of {count}, the most confident first", said)


def channels(canvas: Locator) -> NDArray[np.uint8]:
    """Red, green, blue and alpha of a canvas: (rows, columns, 4)."""
    width = int(canvas.get_attribute("width") or "")
    return rgba(canvas).reshape(-1, width, 4)
