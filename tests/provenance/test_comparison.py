"""What a page says of two models, and that it finds them wherever git and DVC keep them."""

import math
import os
import pty
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from clones import Clone, run_pipeline
from shared import once

from softmax.provenance import comparison, lock
from softmax.provenance.comparison import Results


def results(**changes: Any) -> Results:
    """A model that is right about six of ten images, and `changes` to it."""
    values = {
        "name": "one",
        "params": {"train.epochs": 2},
        "data": {Path("data/mnist/images"): "0123456789"},
        "test_data": {"0123456789"},
        "code": {Path("softmax/core/model.py"): "aaa"},
        "outputs": {Path("models/softmax.safetensors"): str({**changes, "name": ""})},
        "metrics": {"test_accuracy": 0.6, "test_total": 10},
        "classes": pd.DataFrame({"recall": [0.5, 0.7], "f1": [0.5, 0.6]}),
        "right": np.arange(10) < 6,
        "losses": pd.Series([2.0, 1.0], [0.5, 2.0]),
        "weight": np.zeros((10, 784)),
    }
    return Results(**values | changes)


def page(**changes: Any) -> str:
    return comparison.markdown(results(), results(**changes))


@pytest.mark.parametrize(("fixed", "broken"), [(41, 12), (12, 41), (1, 0), (5, 5), (3, 4)])
def test_mcnemar_is_the_chance_of_coins_that_fall_so_unevenly(fixed: int, broken: int) -> None:
    """Twice the tail of the binomial distribution, which is no more than 1."""
    before = np.repeat([False, True, True], [fixed, broken, 100])
    after = np.repeat([True, False, True], [fixed, broken, 100])
    n = fixed + broken
    tail = sum(math.comb(n, k) for k in range(min(fixed, broken) + 1)) / 2**n
    *counts, p = comparison.mcnemar(before, after)
    assert counts == [fixed, broken]
    assert p == pytest.approx(min(1, 2 * tail))


def test_models_that_never_differ_have_nothing_to_test() -> None:
    right = np.array([True, False])
    assert comparison.mcnemar(right, right) == (0, 0, 1.0)


@pytest.mark.parametrize(
    ("fixed", "verdict"),
    [
        (1, "**+1** images correct, 7 of 10.\n\nImages fixed: 1, broken: 0; **could well be"),
        (6, "Images fixed: 6, broken: 0; **more than noise** (McNemar's exact test, p = 0.031)"),
        (
            40,
            "Images fixed: 40, broken: 0; **more than noise** (McNemar's exact test, p < 0.000001)",
        ),
    ],
)
def test_the_verdict_tells_progress_from_noise(fixed: int, verdict: str) -> None:
    before = results(right=np.zeros(40, bool))
    metrics = {"test_accuracy": 0.7, "test_total": 10}
    after = results(right=np.arange(40) < fixed, metrics=metrics)
    assert verdict in comparison.markdown(before, after)


def test_other_test_images_cannot_be_paired() -> None:
    shown = page(test_data={"another"}, right=np.ones(30, bool))
    assert "but on another test set: 6 of 10 correct before, 6 of 10 after" in shown
    assert "McNemar" not in shown


def over_seeds(before: list[float], after: list[float]) -> str:
    """The page of models whose recipes had these accuracies with the seeds 0, 1, 2, ..."""
    sides = [results(by_seed=dict(enumerate(side))) for side in (before, after)]
    return comparison.markdown(*sides)


def test_over_seeds_the_difference_has_an_interval() -> None:
    """Differences of 2, 3 and 4 points: 3 ± 4.303 / sqrt(3), by Student's table."""
    said = over_seeds([0.80, 0.81, 0.82, 0.5], [0.82, 0.84, 0.86])
    assert "Over the same 3 seeds: 81.00% ± 1.00 → 84.00% ± 2.00" in said
    assert "a difference of +3.00 points, +0.52 to +5.48 with 95% confidence" in said
    assert "**more than the seeds**" in said


def test_a_difference_as_large_as_that_of_seeds_is_said_to_be_none() -> None:
    said = over_seeds([0.80, 0.81, 0.82], [0.82, 0.80, 0.83])
    assert "**could well be the seeds**" in said


def test_two_seeds_of_one_recipe_have_one_spread() -> None:
    said = over_seeds([0.80, 0.81, 0.82], [0.80, 0.81, 0.82])
    assert "Over 3 seeds the same on both sides: 81.00% ± 1.00." in said


def test_of_two_seeds_nothing_is_said() -> None:
    assert "seeds" not in over_seeds([0.80, 0.81], [0.9, 0.91, 0.92])


def test_the_same_results_are_said_to_be_the_same() -> None:
    shown = comparison.markdown(results(), results(name="two"))
    assert shown.splitlines() == [
        "# one → two",
        "",
        "**All results are the same, byte for byte.**",
        "",
        "Test accuracy **60.00% → 60.00%**: the same test images are correct, 6 of 10.",
        "",
        "## What changed",
        "",
        "The same on both sides: params, data, code.",
    ]


def test_the_same_weights_are_said_to_be_the_same() -> None:
    shown = page(outputs={**results().outputs, Path("images/weights"): "abc"})
    assert "**The weights are the same, byte for byte.** Other results differ: `images/w" in shown
    assert "byte for byte" not in page(right=np.ones(10, bool))
    assert "Weights before" not in shown


def test_only_what_changed_is_listed() -> None:
    shown = page(
        params={"train.epochs": 2, "train.rate": 0.5},
        data={Path("data/other/images"): "abcdefghij"},
        code={Path("softmax/core/model.py"): "bbb"},
        metrics={"test_accuracy": 0.6, "test_total": 10, "train_loss": 1 / 3},
        classes=pd.DataFrame({"recall": [0.5, 0.75], "f1": [0.5, 0.6]}),
    )
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in shown.splitlines()
        if line.startswith("|")
    ]
    assert [row for row in rows if not row[0].startswith(":")] == [
        ["param", "before", "after"],
        ["`train.rate`", "-", "0.5"],
        ["data, by MD5", "before", "after"],
        ["`data/mnist/images`", "0123456", "-"],
        ["`data/other/images`", "-", "abcdefg"],
        ["metric", "before", "after", "change"],
        ["`train_loss`", "-", "0.333333", "-"],
        ["class", "recall", "F1"],
        ["1", "70.00% → 75.00% (+5.00)", "60.00% → 60.00% (+0.00)"],
    ]
    assert "Code: `softmax/core/model.py`." in shown
    assert "The same on both sides" not in shown


def test_counts_change_by_whole_numbers() -> None:
    shown = page(metrics={"test_accuracy": 0.6, "test_total": 8166})
    assert "| `test_total` |       10 |    8166 |    +8156 |" in shown


def test_the_chart_shows_the_epochs_that_both_trained() -> None:
    longer = pd.Series([3.0, 2.0, 0.0], [0.25, 1.25, 5.0])
    shown = page(weight=np.ones((10, 784)), losses=longer)
    assert 'x-axis "epoch" 0.5 --> 2\n' in shown
    before, after = (
        [float(y) for y in line.strip()[6:-1].split(",")]
        for line in shown.splitlines()
        if line.startswith("  line")
    )
    assert (before[0], before[-1]) == (2.0, 1.0)
    assert (after[0], after[-1]) == (2.75, 1.6)


@pytest.mark.parametrize("epochs", [[], [0.5], [2.0, 3.0]])
def test_without_losses_in_common_there_is_no_chart(epochs: list[float]) -> None:
    losses = pd.Series(np.ones(len(epochs)), epochs, dtype=float)
    changed = results(weight=np.ones((10, 784)), losses=losses)
    for sides in ((results(), changed), (changed, results())):
        shown = comparison.markdown(*sides)
        assert "mermaid" not in shown
        assert "compare/difference.png" in shown


def test_before_and_after_share_a_scale_that_the_difference_does_not() -> None:
    weak, strong = np.full((10, 784), 0.1), np.full((10, 784), 1.0)
    pictures = comparison.pictures(results(weight=weak), results(weight=strong))
    assert pictures["before.png"] != pictures["after.png"]
    assert pictures["difference.png"] == pictures["after.png"]


KINDS = ("commit", "short commit", "branch", "tag", "annotated tag", "experiment")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone with the results in its workspace, and a model of every kind but that."""
    folder = tmp_path_factory.mktemp("comparison")
    return Clone.copy(once("comparison", train_another) / "clone", folder / "clone")


def train_another(folder: Path) -> None:
    """Make that clone."""
    clone = Clone.copy(once("pipeline", run_pipeline) / "clone", folder / "clone")
    change = ("-S", "train.learning_rate=0.1", "-S", "train.epochs=1")
    clone.run("dvc", "exp", "run", "--temp", "--name", "short", *change)
    clone.run("dvc", "exp", "branch", "short", "short-branch")
    clone.run("git", "tag", "short-tag", "short-branch")
    clone.run("git", "tag", "-a", "-m", "a model", "short-annotated", "short-branch")


def name(clone: Clone, kind: str) -> str:
    commit = clone.run("git", "rev-parse", "short-branch").strip()
    names = (commit, commit[:8], "short-branch", "short-tag", "short-annotated", "short")
    return dict(zip(KINDS, names, strict=True))[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_it_compares_the_workspace_with_a(kind: str, clone: Clone) -> None:
    other = name(clone, kind)
    printed = clone.run("python", "-m", "tools.compare", other)
    assert "Test accuracy **90.54% → 84.61%**: **-593** images correct, 8461 of 10000." in printed
    back = clone.run("python", "-m", "tools.compare", "workspace", other)
    assert "Test accuracy **84.61% → 90.54%**: **+593** images correct, 9054 of 10000." in back
    assert "| `train.learning_rate` |    0.001 |     0.1 |" in back
    assert (clone.folder / "report/compare.md").read_text() == back
    assert len(list((clone.folder / "report/compare").glob("*.png"))) == 3
    assert "report" not in clone.run("git", "status", "--porcelain")


def test_a_terminal_gets_tables_and_the_verdict_first(clone: Clone) -> None:
    ours, terminal = pty.openpty()
    command = ["python", "-m", "tools.compare", "short"]
    here = clone.environment | {"COLUMNS": "100", "TERM": "xterm"}
    with subprocess.Popen(command, cwd=clone.folder, env=here, stdout=terminal):
        os.close(terminal)
        printed = b""
        with suppress(OSError):  # the other end is closed
            while part := os.read(ours, 2**16):
                printed += part
    os.close(ours)
    lines = re.sub(r"\x1b\[[\d;]*m", "", printed.decode()).split("\r\n")
    said = [line.strip() for line in lines if line.strip()]
    assert max(map(len, lines)) <= 100
    assert not [line for line in said if re.search(r"mermaid|</?\w|\*\*", line)]
    verdict = next(k for k, line in enumerate(said) if "-593 images correct" in line)
    assert verdict < next(k for k, line in enumerate(said) if "train.learning_rate" in line)
    assert said[-2:] == ["page      report/compare.md", "pictures  report/compare/"]


def test_it_compares_a_branch_with_an_experiment(clone: Clone) -> None:
    printed = clone.run("python", "-m", "tools.compare", "short-branch", "short")
    assert "All results are the same, byte for byte." in printed


def refusal(clone: Clone, *names: str) -> str:
    """The line of a comparison that must fail and write nothing."""
    shutil.rmtree(clone.folder / "report", ignore_errors=True)
    done = clone.attempt("python", "-m", "tools.compare", *names)
    assert (done.returncode, done.stdout) == (2, "")
    assert not (clone.folder / "report").exists()
    (line,) = done.stderr.splitlines()
    return line


def test_it_refuses_a_name_that_means_nothing(clone: Clone) -> None:
    assert "nothing: no commit, branch, tag or DVC experiment" in refusal(clone, "nothing")
    assert "no commit, branch, tag or DVC" in refusal(clone, "HEAD", "HEAD:README.md")


def test_it_refuses_a_commit_from_before_the_pipeline(clone: Clone) -> None:
    first = clone.run("git", "commit-tree", "-m", "first", "HEAD:tests").strip()
    assert f"commit {first[:7]}: has no dvc.lock" in refusal(clone, first)


def test_it_refuses_a_model_that_is_in_no_cache(clone: Clone, tmp_path: Path) -> None:
    bare = Clone(tmp_path / "clone", clone.folder)
    line = refusal(bare, "origin/short-branch", "HEAD")
    assert "is not in DVC's cache; run `dvc fetch --all-commits`" in line


@pytest.fixture
def other(clone: Clone, tmp_path: Path) -> Clone:
    """A clone of the same, for one test to change."""
    other = Clone(tmp_path / "clone", clone.folder)
    shutil.copytree(clone.folder / ".dvc/cache", other.folder / ".dvc/cache")
    return other


def test_another_lesson_and_another_page_are_told(other: Clone) -> None:
    other.edit("params.yaml", "learning_rate: 2.0", "learning_rate: 1.0")
    (other.folder / "softmax/page/styles/style.css").open("a").write("/* another */\n")
    other.run("dvc", "repro")
    other.run("git", "commit", "--quiet", "--all", "--message", "Another lesson")

    shown = other.run("python", "-m", "tools.compare", "HEAD~1", "HEAD")
    (differ,) = (line for line in shown.splitlines() if "byte for byte" in line)
    assert differ.startswith("**The weights are the same, byte for byte.** Other results differ: ")
    for path in ("models/lesson.safetensors", "metrics/lesson.json", "report/index.html"):
        assert f"`{path}`" in differ
    assert "| `lesson.learning_rate` |      2.0 |     1.0 |" in shown
    assert "Code: `softmax/page`.\n" in shown
    assert "The same on both sides: data." in shown
    assert "| `lesson_train_loss`" in shown


def test_a_model_from_before_the_lesson_has_none(other: Clone) -> None:
    stages = {name: lock.load(other.folder)[name] for name in lock.RESULTS}
    content = yaml.safe_dump({"schema": "2.0", "stages": stages})
    (other.folder / lock.PATH).write_text(content)
    other.run("git", "commit", "--quiet", "--all", "--message", "Older")

    shown = other.run("python", "-m", "tools.compare", "HEAD", "HEAD~1")
    assert "**The weights are the same, byte for byte.** Other results differ: " in shown
    assert "| `lesson.epochs` " in shown
    assert "`lesson_train_loss`" in shown


def test_a_cache_that_lacks_only_what_is_not_read_is_enough(other: Clone) -> None:
    for folder in lock.outputs(lock.load(other.folder), "export").values():
        (other.folder / ".dvc/cache/files/md5" / folder[:2] / folder[2:]).unlink()
    assert "byte for byte" in other.run("python", "-m", "tools.compare", "HEAD", "HEAD")


@pytest.mark.parametrize(
    ("file", "old", "new", "line"),
    [
        ("params.yaml", "epochs: 5", "epochs: 6", "train: train.epochs modified"),
        ("params.yaml", "rate: 2.0", "rate: 1.0", "lesson: lesson.learning_rate modified"),
        ("datasets.yaml", "homepage", "page", "check: datasets.yaml modified"),
        ("dvc.yaml", "python -m stages.train", "python -O -m stages.train", "command modified"),
        ("softmax/core/model.py", "def ", "def  ", "train: softmax/core modified"),
        ("softmax/page/styles/style.css", "{", " {", "report: softmax/page modified"),
        ("metrics/test.json", "0.8461", "0.9999", "evaluate: metrics/test.json modified"),
    ],
)
def test_it_refuses_a_workspace_that_is_not_what_ran(
    clone: Clone, file: str, old: str, new: str, line: str
) -> None:
    path = clone.folder / file
    right = path.read_text()
    path.write_text(right.replace(old, new))
    try:
        assert line in refusal(clone, "HEAD")
    finally:
        path.write_text(right)
