"""Test the pipeline in a clean clone, on real MNIST, with DVC's own commands."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from helpers.clones import Clone
from helpers.runs import runs
from helpers.shared import LECTURE, ROOT
from helpers.stores import STARTUP
from playwright.sync_api import Browser, expect

from softmax.pipeline import dvc_lock, paths

CHANGES = ("-S", "train.learning_rate=0.1", "-S", "train.epochs=1")


def test_results_are_near_the_lectures(mnist: Clone) -> None:
    shown = json.loads(mnist.run("dvc", "metrics", "show", "--json"))[""]["data"]
    assert set(shown) == {"metrics/test.json"}
    test = shown["metrics/test.json"]["data"]
    assert set(test) == {"accuracy", "total", "loss"}
    assert test["total"] == 10000
    assert 0.833 <= test["accuracy"] <= 0.863
    losses = pd.read_csv(mnist.directory / paths.LOSSES).set_index(["epoch", "batch"])["loss"]
    assert losses[1, 100] == pytest.approx(2.25, abs=0.10)
    assert losses[5, 900] == pytest.approx(0.73, abs=0.20)


def test_a_clean_clone_reproduces_the_committed_results_and_stays_clean(mnist: Clone) -> None:
    mnist.assert_clean()
    params = (yaml.safe_load(path.read_text()) for path in (ROOT / "params.yaml", LECTURE))
    if next(params) != next(params):
        pytest.skip("params.yaml differs from tests/lecture.yaml")
    committed, given = dvc_lock.load(ROOT), dvc_lock.load(mnist.directory)
    assert committed.keys() == given.keys()
    for stage in committed:
        assert dvc_lock.outputs(given, stage) == dvc_lock.outputs(committed, stage)
    assert mnist.run("git", "diff", "--name-only", "HEAD~1", "--", "metrics") == ""


def test_invalid_params_stop_the_pipeline_before_any_output_changes(mnist: Clone) -> None:
    names = ("data", "models", "metrics", "images")
    outputs = [path for name in names for path in (mnist.directory / name).rglob("*")]
    mnist.edit("params.yaml", "epochs: 5", "epochs: 0")
    try:
        done = mnist.attempt("dvc", "repro")
        assert done.returncode != 0
        assert "train.epochs = 0 should be greater than or equal to 1" in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        assert mnist.run("git", "status", "--porcelain").split() == ["M", "params.yaml"]
        assert all(path.exists() for path in outputs)
    finally:
        mnist.edit("params.yaml", "epochs: 0", "epochs: 5")


def test_an_experiment_can_be_compared_with_the_committed_results(
    mnist: Clone, browser: Browser, tmp_path: Path
) -> None:
    """Compare metrics, MLflow runs and plots. Plots need no network and begin with MNIST."""
    faster = Clone.copy(mnist, tmp_path / "clone")
    faster.run("python", "-m", "softmax", "track")
    faster.run("dvc", "exp", "run", "-n", "faster", *CHANGES)
    params = json.loads(faster.run("dvc", "params", "diff", "--json"))["params.yaml"]
    assert {key: (change["old"], change["new"]) for key, change in params.items()} == {
        "train.learning_rate": (0.001, 0.1),
        "train.epochs": (5, 1),
    }
    metrics = json.loads(faster.run("dvc", "metrics", "diff", "--json"))["metrics/test.json"]
    assert metrics["accuracy"]["new"] > metrics["accuracy"]["old"] > 0.83
    found = runs(f"sqlite:///{faster.directory / 'mlflow.db'}", "softmax-mnist")
    assert {
        run.data.tags.get("DVC_EXP_NAME"): run.data.metrics["test_accuracy"] for run in found
    } == {None: metrics["accuracy"]["old"], "faster": metrics["accuracy"]["new"]}
    shown = faster.run("dvc", "exp", "show", "--only-changed")
    assert "faster" in shown
    header = next(line for line in shown.splitlines() if "Experiment" in line)
    for column in ("accuracy", "train.epochs", "train.learning_rate"):
        assert column in header[:100]  # the part that DVC's pager shows first

    faster.run("dvc", "plots", "diff", "HEAD")
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((faster.directory / "dvc_plots/index.html").as_uri())
    drawn = page.locator("body > .vega-embed canvas")
    expect(drawn).to_have_count(4, timeout=1000 * STARTUP)
    kinds = ("loss", "confusion", "weights", "samples", "lesson")
    top = "(plot) => plot.getBoundingClientRect().top"
    tops = [page.locator(f"body > [id*={kind}]").first.evaluate(top) for kind in kinds]
    assert tops == sorted(tops)
    # the two revisions are side by side
    first, second = page.locator("body > [id*=samples]").first.locator("img").all()
    assert first.evaluate(top) == second.evaluate(top)
    assert all(url.startswith(("file:", "data:")) for url in asked), asked
    page.close()
