"""`make compare` finds models wherever git and DVC keep them, or says why not."""

import os
import pty
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from clones import Clone, run_short
from shared import once

from softmax.provenance import lock

KINDS = ("commit", "short commit", "branch", "tag", "annotated tag", "experiment")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone with the results in its workspace, and a model of every kind but that."""
    folder = tmp_path_factory.mktemp("comparison")
    clone = Clone.copy(once("short", run_short) / "clone", folder / "clone")
    clone.run("dvc", "exp", "branch", "short", "short-branch")
    clone.run("git", "tag", "short-tag", "short-branch")
    clone.run("git", "tag", "-a", "-m", "a model", "short-annotated", "short-branch")
    return clone


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


def test_it_compares_with_many_in_one_table(clone: Clone) -> None:
    shutil.rmtree(clone.folder / "report/compare", ignore_errors=True)
    done = clone.make("compare", "BASE=workspace", "HEAD=short short-tag workspace")
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    first, *others = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[1:]]
    assert (first[1], first[-1]) == ("84.61%", "`epochs=5`, `learning_rate=0.001`")
    assert [row[1] for row in others] == ["90.54%", "90.54%", "84.61%"]
    assert [row[5] for row in others] == ["more than noise"] * 2 + ["the same images"]
    assert others[0][3:5] == ["+5.93", "< 0.000001"]
    assert others[0][-1] == "`epochs=1`, `learning_rate=0.1`"
    assert (clone.folder / "report/compare.md").read_text() == done.stdout
    assert not (clone.folder / "report/compare").exists()


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
    del stages["train"]["params"]["datasets.yaml"]  # nor names of classes
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
        ("datasets.yaml", "http:", "https:", "check: datasets.yaml modified"),
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
