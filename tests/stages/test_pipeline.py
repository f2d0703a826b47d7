"""The pipeline as its users meet it: a clean clone, real MNIST, DVC's own commands."""

import ast
import json
import re
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from clones import Clone, run_pipeline, run_short
from mlflow import MlflowClient
from mlflow.entities import Run
from playwright.sync_api import Browser, expect
from servers import STARTUP
from shared import ROOT, once

from benchmarks import growth
from softmax.pipeline import paths
from softmax.provenance.imports import imported_modules

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
CODE = ("softmax", "stages")


def code_of(stage: str) -> list[Path]:
    """The code that a stage depends on: files, and folders of them."""
    return [path for path in map(Path, STAGES[stage]["deps"]) if path.parts[0] in CODE]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_exactly_the_modules_it_imports(stage: str) -> None:
    """In a folder that it names, all matters; `__init__` holds only a docstring."""
    declared = {
        module.relative_to(ROOT)
        for path in code_of(stage)
        for module in ([ROOT / path] if path.suffix else (ROOT / path).rglob("*.py"))
    }
    declared = {module for module in declared if module.name != "__init__.py"}
    assert declared == imported_modules(Path(f"stages/{stage}.py"))


@pytest.mark.parametrize("stage", STAGES)
def test_the_code_of_a_stage_is_a_handful_of_lines(stage: str) -> None:
    assert len(code_of(stage)) <= 8


def test_contributing_says_what_a_change_of_each_folder_runs() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    table = dict(re.findall(r"^\| `([\w/.]+)` \| (.*) \|$", text, re.MULTILINE))
    runs = {
        folder: [
            stage
            for stage in STAGES
            if any(Path(folder) in (p, *p.parents) for p in code_of(stage))
        ]
        for folder in table
    }
    assert table.pop("stages") == "the stage of that name"
    assert table == {k: ", ".join(runs[k]) or "nothing" for k in table}
    rooms = {str(path.parent.relative_to(ROOT)) for path in ROOT.glob("softmax/*/__init__.py")}
    others = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"softmax", "stages"}
    assert rooms | others <= table.keys()


def test_what_python_and_editors_leave_behind_runs_nothing(team: Clone) -> None:
    folder = team.folder / "softmax/core"
    left = [folder / name for name in ("__pycache__/model.pyc", ".model.py.swp", "model.py~")]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert "up to date" in team.run("dvc", "status")
    for path in left:
        path.unlink()


@pytest.mark.parametrize("module", sorted((ROOT / "softmax").rglob("__init__.py")), ids=str)
def test_a_package_imports_nothing_and_says_what_it_holds(module: Path) -> None:
    (docstring,) = ast.parse(module.read_text()).body
    assert isinstance(docstring, ast.Expr)
    others = {path.stem for path in module.parent.glob("*.py")} - {"__init__"}
    rooms = {path.parent.name for path in module.parent.glob("*/__init__.py")}
    words = set(re.findall(r"\w+", module.read_text()))
    assert others | rooms <= words


def test_stages_depend_on_the_params_of_their_sections() -> None:
    for name, section in yaml.safe_load((ROOT / "params.yaml").read_text()).items():
        named: list[str] = []
        for entry in STAGES[name]["params"]:
            named += [entry] if isinstance(entry, str) else entry.get("params.yaml", [])
        assert {f"{name}.{key}" for key in section} <= set(named)


def test_the_code_and_dvc_name_the_same_outputs() -> None:
    declared = set()
    for stage in (STAGES[name] for name in STAGES if name != "download"):
        for out in stage["outs"] + stage.get("metrics", []) + stage.get("plots", []):
            declared |= {Path(out)} if isinstance(out, str) else set(map(Path, out))
    known = {value for value in vars(paths).values() if isinstance(value, Path)}
    assert {path for path in known if not declared & set(path.parents)} == declared


def test_every_stage_says_what_it_does() -> None:
    assert all(stage["desc"] for stage in STAGES.values())


def test_a_forced_run_leaves_a_clean_clone_clean(team: Clone) -> None:
    team.run("dvc", "repro", "--force")
    assert team.run("git", "status", "--porcelain") == ""
    assert "up to date" in team.run("dvc", "status")


def test_results_lie_in_the_bands_of_the_lecture(pipeline: Clone) -> None:
    test = json.loads((pipeline.folder / "metrics/test.json").read_text())
    losses = pd.read_csv(pipeline.folder / "metrics/loss.csv").set_index(["epoch", "batch"])["loss"]
    assert 0.833 <= test["accuracy"] <= 0.863
    assert losses[1, 100] == pytest.approx(2.25, abs=0.10)
    assert losses[5, 900] == pytest.approx(0.73, abs=0.20)


def test_metrics_show_has_the_numbers_people_compare(pipeline: Clone) -> None:
    shown = json.loads(pipeline.run("dvc", "metrics", "show", "--json"))[""]["data"]
    assert set(shown) == {"metrics/test.json"}
    assert set(shown["metrics/test.json"]["data"]) == {"accuracy", "total", "loss"}
    assert shown["metrics/test.json"]["data"]["total"] == 10000


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs: 5", "epochs: 0", "train.epochs = 0 should be greater than or equal to 1"),
        ("epochs: 5", "epochs: 5\n  epoch: 6", "train.epoch = 6 is unknown"),
        ("epochs: 5", "epochs: [", "unable to read: 'params.yaml'"),  # DVC's own words
    ],
)
def test_wrong_params_stop_the_pipeline_before_any_output_is_touched(
    pipeline: Clone, old: str, new: str, message: str
) -> None:
    params = pipeline.folder / "params.yaml"
    right = params.read_text()
    folders = (pipeline.folder / name for name in ("data", "models", "metrics", "images"))
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 30
    params.write_text(right.replace(old, new))
    try:
        done = pipeline.attempt("dvc", "repro")
        assert done.returncode != 0
        assert message in done.stdout + done.stderr
        assert pipeline.run("git", "status", "--porcelain").split() == ["M", "params.yaml"]
        assert all(path.exists() for path in files)
    finally:
        params.write_text(right)


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux knows of memory")
def test_training_needs_little_memory(pipeline: Clone) -> None:
    program = """
from benchmarks.growth import peak_memory
from softmax.tracking import store
from stages import train
store.connect()
before = peak_memory()
train.main()
print(peak_memory() - before)
"""
    mebibytes = int(pipeline.run("python", "-c", program, DEVICE="cpu").split()[-1]) / growth.MIB
    assert 40 < mebibytes < 100  # MNIST itself is 45


@pytest.fixture
def faster(tmp_path: Path) -> Clone:
    """A clone whose workspace holds an experiment, and MLflow both models."""
    return Clone.copy(once("faster", train_faster) / "clone", tmp_path / "clone")


def train_faster(folder: Path) -> None:
    """Make that clone."""
    clone = Clone.copy(once("pipeline", run_pipeline) / "clone", folder / "clone")
    clone.give_store()
    clone.run("python", "-m", "tools.track")
    clone.run("dvc", "exp", "run", "-n", "faster", "-S", "train.learning_rate=0.01")


def test_an_experiment_compares_with_the_committed_results(faster: Clone) -> None:
    params = json.loads(faster.run("dvc", "params", "diff", "--json"))["params.yaml"]
    assert {key: (change["old"], change["new"]) for key, change in params.items()} == {
        "train.learning_rate": (0.001, 0.01)
    }
    metrics = json.loads(faster.run("dvc", "metrics", "diff", "--json"))["metrics/test.json"]
    assert metrics["accuracy"]["new"] > metrics["accuracy"]["old"] > 0.83
    shown = faster.run("dvc", "exp", "show", "--csv")
    assert "faster" in shown
    (experiment,) = {
        run.data.tags["DVC_EXP_NAME"]: run.data.metrics["test_accuracy"]
        for run in tracked_runs(faster)
        if "DVC_EXP_NAME" in run.data.tags
    }.items()
    assert experiment == ("faster", metrics["accuracy"]["new"])
    assert len(tracked_runs(faster)) == 2


@pytest.mark.parametrize("command", ["show", "diff HEAD"])
def test_plots_need_no_network_and_begin_with_mnist(
    faster: Clone, browser: Browser, command: str
) -> None:
    """Two revisions lie beside each other on a small screen."""
    faster.run("dvc", "plots", *command.split())
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((faster.folder / "dvc_plots/index.html").as_uri())
    drawn = page.locator("body > .vega-embed canvas")
    expect(drawn).to_have_count(4, timeout=1000 * STARTUP)
    kinds = ("loss", "confusion", "weights", "samples", "lesson")
    top = "(plot) => plot.getBoundingClientRect().top"
    tops = [page.locator(f"body > [id*={kind}]").first.evaluate(top) for kind in kinds]
    assert tops == sorted(tops)
    images = page.locator("body > [id*=samples]").first.locator("img").all()
    tops = [image.evaluate(top) for image in images]
    assert len(tops) == len(command.split())
    assert len(set(tops)) == 1
    assert all(url.startswith(("file:", "data:")) for url in asked), asked
    page.close()


def test_the_history_makes_the_table_anew(faster: Clone) -> None:
    """From commits and DVC's cache: a model and an experiment, once each, and no third."""
    faster.run("git", "checkout", ".")
    before = {run.info.run_name for run in tracked_runs(faster)}
    faster.give_store()
    for _ in range(2):
        faster.run("python", "-m", "tools.track", "history")
    rows = {run.info.run_name: run.data for run in tracked_runs(faster)}
    assert (
        set(rows) == before == {"84.61% · sgd lr=0.001 b=64 e=5", "90.00% · sgd lr=0.01 b=64 e=5"}
    )
    row = rows["90.00% · sgd lr=0.01 b=64 e=5"]
    assert row.tags["DVC_EXP_NAME"] == "faster"
    assert row.metrics["test_accuracy"] == 0.9
    assert row.tags["dvc.code.md5"] == rows["84.61% · sgd lr=0.001 b=64 e=5"].tags["dvc.code.md5"]


def tracked_runs(clone: Clone) -> list[Run]:
    """The runs of trained models in the clone's own MLflow store."""
    client = MlflowClient(f"sqlite:///{clone.folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("softmax-mnist")
    return list(client.search_runs([experiment.experiment_id]))


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A clone with an experiment of two other params."""
    return Clone.copy(once("short", run_short) / "clone", tmp_path / "clone")


def test_two_varied_params_are_on_the_first_screen(clone: Clone) -> None:
    """Of 100 columns, as DVC's pager shows them."""
    shown = clone.run("dvc", "exp", "show", "--only-changed").splitlines()
    header = next(line for line in shown if "Experiment" in line)[:100]
    assert "accuracy" in header
    assert "train.epochs" in header
    assert "train.learning_rate" in header
