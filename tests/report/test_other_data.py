"""Test reports of data sets with other names, shapes and numbers of classes, gray or RGB."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from helpers import digits
from helpers.digits import write_idx
from helpers.report import facts, level, opened, rgba, section
from helpers.workspace import Workspace, run_stages
from playwright.sync_api import Browser, expect

from softmax.core import idx, model
from softmax.pipeline import datasets, dvc_lock, paths
from softmax.report import document

FASHION = list(datasets.load()["fashion-mnist"].classes)
THINGS = [f"thing {k}" for k in range(180)]


def report_of(workspace: Workspace, name: str, shape: tuple[int, ...], classes: list[str]) -> Path:
    """Train on random images whose first row is black, and return the path of the report.

    Each class has four training images and two test images.
    """
    directory, random = datasets.directory(name), np.random.default_rng(0)
    directory.mkdir()
    for prefix, count in {"train": 4 * len(classes), "t10k": 2 * len(classes)}.items():
        images = random.integers(256, size=(count, *shape))
        images[:, 0] = 0
        write_idx(directory / f"{prefix}-images-idx3-ubyte", images)
        write_idx(directory / f"{prefix}-labels-idx1-ubyte", np.arange(count) % len(classes))
    entry = {**digits.entry(directory, 1 + len(shape)), "classes": classes}
    datasets.PATH.write_text(yaml.safe_dump({name: entry}))
    workspace.set(download={"dataset": name}, train={"batch_size": 4}, evaluate={"samples": [1]})
    dvc_lock.PATH.unlink()
    run_stages(("train", "evaluate", "report"))
    return paths.REPORT.absolute()


def test_the_report_shows_class_names_and_validation_losses(
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
        dots = page.locator("#loss .validation").evaluate_all(
            "(dots) => dots.map((dot) => parseFloat(dot.style.bottom))"
        )
        np.testing.assert_allclose(dots, 100 * losses / top, rtol=1e-5)
        page.locator("#drawing-classes").get_by_role("button", name="sneaker").click()
        page.locator("#drawing-why").click()
        expect(page.locator("#explanation-title")).to_contain_text(": sneaker, classified as ")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Tiếng Việt").click()
        expect(page.locator("#data tbody th").last).to_have_text("bốt cổ ngắn")


def test_rgb_images_of_any_shape_are_shown_in_color(workspace: Workspace, browser: Browser) -> None:
    """Expect the weights of the three colors side by side, and no drawing canvas."""
    shape = (4, 6, 3)
    file = report_of(workspace, "mine", shape, THINGS[:12])
    text = file.read_text(encoding="utf-8")
    assert "#drawing" not in re.findall('href="(.*?)"', text)
    for table in ("data", "confusion", "weights"):
        assert [name for name in THINGS[:12] if name not in section(text, table)] == []
    assert "72 features" in section(text, "data")
    assert "18 pixels are 0 in every training image" in section(text, "weights")
    assert "216 of these 216 weights are bit-identical" in section(text, "weights")
    pixels = idx.read(datasets.directory("mine") / "t10k-images-idx3-ubyte", 4)
    w = model.load(paths.WEIGHTS)[11, :-1].reshape(shape)
    size = "({ width, height }) => [width, height]"
    with opened(browser, file) as page:
        assert (rgba(page.locator("#samples canvas"))[:, :3] == pixels[1].reshape(-1, 3)).all()
        tile = page.locator("[data-weights=gray] canvas").last
        gray = 255 * (np.hstack([w[..., k] for k in range(3)]) - w.min()) / np.ptp(w)
        assert abs(level(tile) - gray).max() <= 0.5 + 1e-9
        tile.hover(position={"x": 2, "y": 2})
        message = f"row 1, column 1, red: w = {w[0, 0, 0]:.4f}".replace("-", "−")
        expect(page.locator("#pixel")).to_have_text(message)
        page.locator("#train-play").click()
        expect(page.locator("#train-verdict")).to_contain_text("Equal: ")
        page.locator("#samples button").click()
        assert page.locator("#explained-image").evaluate(size) == [6, 4]
        assert page.locator("#versus canvas").last.evaluate(size) == [6, 4]
        for place in ("#explained-scores tr", "#contributions figure", "#versus-rivals button"):
            expect(page.locator(place)).to_have_count(10)  # the report shows 10 of 12 classes
        expect(page.locator("#explained-scores .right")).to_contain_text("thing 1")


def test_data_beyond_the_size_limit_are_left_out(workspace: Workspace, browser: Browser) -> None:
    """Use 180 classes of large images: weights are left out, and tables have only 50 rows."""
    file = report_of(workspace, "mine", (50, 50), THINGS)
    assert file.stat().st_size < document.LIMIT
    text = file.read_text(encoding="utf-8")
    data = facts(text)
    assert data["theta"] is None
    assert "450,180 weights, too many" in section(text, "results")
    assert "180 classes, tables and figures show only the 50" in section(text, "data")
    listed = [f"thing {k}" for k in data["listed"]]
    assert len(listed) == 50
    with opened(browser, file) as page:
        assert page.locator("#data tbody th").all_inner_texts() == listed
        assert page.locator("#confusion tbody th").all_inner_texts() == listed
        expect(page.locator("#drawing, #samples, #mistakes button")).to_have_count(0)
        wrong, a = data["mistakes"][0], data["images"][0]["a"][0]
        assert data["images"][0]["index"][0] == wrong
        expect(page.locator("#most-confident span").first).to_contain_text(f", {a:.0%}")
        cell = page.locator("button[data-prediction]").first
        count = cell.inner_text()
        cell.click()
        message = page.locator("#cell-text").inner_text()
        assert re.match(rf"\d+ of {count}, the most confident first", message)
