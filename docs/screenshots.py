"""Renew the screenshots of the documentation: python -m docs.screenshots

This needs the outputs of the pipeline, and an MLflow store that contains the runs to show.
"""

import io
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

DOCS = Path(__file__).parent
PORT = "5123"
CHROMIUM = shutil.which("chromium-headless-shell")  # if not found, Playwright uses its own


def save(page: Page, name: str) -> None:
    """Save a screenshot with at most 256 colors, which reduces its size to a third."""
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(DOCS / name, optimize=True)


def report(browser: Browser) -> None:
    """Take a screenshot of the report's drawing canvas with a test image of a 2."""
    page = browser.new_page(viewport={"width": 1120, "height": 640}, device_scale_factor=1.5)
    page.goto((DOCS.parent / "report/index.html").as_uri())
    page.locator("#content[aria-busy=false]").wait_for()
    page.locator("#drawing-classes [data-class='2']").click()
    save(page, "page.png")


def mlflow(browser: Browser, charts: str) -> None:
    """Take screenshots of all runs as charts, and of the page of the first run."""
    page = browser.new_page(viewport={"width": 1500, "height": 1000}, locale="en-US")
    page.goto(charts)
    page.wait_for_timeout(5000)  # milliseconds, until the charts are drawn
    save(page, "mlflow-runs.png")
    page.set_viewport_size({"width": 1400, "height": 1100})
    page.get_by_role("link", name="%").first.click()
    page.get_by_text("Show more").first.wait_for()
    page.goto(f"{page.url}?workflowType=machine_learning")
    page.get_by_text("Show more").first.click()
    page.wait_for_timeout(3000)
    save(page, "mlflow-run.png")


if __name__ == "__main__":
    command = [sys.executable, "-m", "softmax", "ui", "--port", PORT]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM)
        report(chromium)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                mlflow(chromium, server.stdout.readline().split()[1])  # type: ignore[union-attr]
            finally:
                server.terminate()
