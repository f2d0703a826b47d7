"""Test that `softmax compare` finds models in git and DVC's cache, or reports why it cannot."""

import json
import re
import shutil
import statistics
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from analysis.sides import cells
from dvc.repo import Repo
from helpers import digits
from helpers.clones import git
from helpers.workspace import STAGES, Workspace, error

from softmax.cli import compare
from softmax.core import idx
from softmax.pipeline import datasets, dvc_lock, paths

TEST = datasets.test_files("digits")[0]
SLOW: list[Path] = []  # the first test trains the model here; the others only read it


@pytest.fixture
def slow(workspace: Workspace) -> Workspace:
    """Return a workspace whose model is worse than the committed one."""
    if not SLOW:
        workspace.set(train={"epochs": 2, "learning_rate": 1e-5})
        workspace.run("train", "evaluate")
        SLOW.append(workspace.directory)
    return Workspace(SLOW[0], workspace.monkeypatch, workspace.capsys)


def accuracies(workspace: Workspace) -> tuple[str, str]:
    """Return the reported test accuracies of the committed model and of the model on disk."""
    committed = git(workspace.directory, "show", f"HEAD:{paths.TEST_METRICS}")
    metrics = (committed, paths.TEST_METRICS.read_text())
    before, after = (f"{json.loads(text)['accuracy']:.2%}" for text in metrics)
    return before, after


def rejection(workspace: Workspace, *names: str) -> str:
    """Run a comparison, assert that it fails and writes nothing, and return its error."""
    printed = workspace.tool("compare", *names)
    assert printed.out == ""
    assert not compare.REPORT.exists()
    assert not compare.FIGURES.exists()
    return error(printed)


@pytest.mark.end_to_end  # DVC saves an experiment
def test_a_model_can_be_named_by_any_git_or_dvc_revision(slow: Workspace) -> None:
    """Name a commit, its abbreviation, a branch, both kinds of tag, and an experiment."""
    with Repo() as repo:
        commit = repo.experiments.save(name="slow")
    git(slow.directory, "branch", "branch", commit)
    git(slow.directory, "tag", "light", commit)
    git(slow.directory, "tag", "-a", "-m", "a model", "annotated", commit)
    before, after = accuracies(slow)
    assert after < before
    for name in (commit, commit[:8], "branch", "light", "annotated", "slow"):
        title = f"`{commit[:7]}`" if commit.startswith(name) else f"`{name}` ({commit[:7]})"
        report = slow.tool("compare", "HEAD", name).out
        assert report.splitlines()[0].endswith(f" → {title}")
        assert f"Test accuracy **{before} → {after}**: **-" in report
    assert "byte for byte" in slow.tool("compare", "branch", "slow").out


def test_compare_with_the_workspace_works_in_both_directions(slow: Workspace) -> None:
    """The command writes the report and its images, but nothing that git tracks."""
    before, after = accuracies(slow)
    status = git(slow.directory, "status", "--porcelain")
    report = slow.tool("compare", "HEAD").out
    assert report.splitlines()[0].endswith(" → `workspace`")
    assert f"Test accuracy **{before} → {after}**: **-" in report
    back = slow.tool("compare", "workspace", "HEAD").out
    assert f"Test accuracy **{after} → {before}**: **+" in back
    assert "| `train.learning_rate` |    1e-05 |   0.004 |" in back
    assert compare.REPORT.read_text() == back
    pictures = {path.name for path in compare.FIGURES.iterdir()}
    assert pictures == {"before.png", "after.png", "difference.png"}
    assert git(slow.directory, "status", "--porcelain") == status


def test_a_terminal_shows_the_verdict_first_and_tables(
    slow: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    lines = slow.tool("compare", "HEAD").out.splitlines()
    output = [line.strip() for line in lines if line.strip()]
    assert max(map(len, lines)) <= 100
    assert not [line for line in output if re.search(r"mermaid|</?\w|\*\*", line)]
    verdict = next(k for k, line in enumerate(output) if "images correct" in line)
    assert verdict < next(k for k, line in enumerate(output) if "train.learning_rate" in line)
    assert output[-2:] == ["report    report/compare.md", "images    report/compare/"]
    assert "```mermaid" in compare.REPORT.read_text()


def test_several_models_are_compared_in_one_table(slow: Workspace) -> None:
    before, after = accuracies(slow)
    shutil.rmtree(compare.FIGURES, ignore_errors=True)
    report = slow.tool("compare", "HEAD", "workspace", "HEAD").out
    _, base, other, same = cells(report)
    assert (base[1], other[1], same[1]) == (before, after, before)
    assert other[3] == f"{float(after[:-1]) - float(before[:-1]):+.2f}"
    assert (other[5], same[5]) == ("more than noise", "no difference")
    assert base[-1] == "`epochs=1`, `learning_rate=0.004`"
    assert other[-1] == "`epochs=2`, `learning_rate=1e-05`"
    assert compare.REPORT.read_text() == report
    assert not compare.FIGURES.exists()


@pytest.mark.end_to_end  # a second or more
def test_seeds_logged_in_mlflow_are_compared(workspace: Workspace) -> None:
    """The stages logged one seed, and a sweep logged three."""
    workspace.tool("track")
    scores = [json.loads(paths.TEST_METRICS.read_bytes())["accuracy"]]
    swept = json.loads(workspace.tool("sweep", "train.seed=1,2,3", "--json").out)
    scores += [one["test_accuracy"] for one in swept]
    spread = f"{statistics.mean(scores):.2%} ± {100 * statistics.stdev(scores):.2f}."
    report = workspace.tool("compare", "HEAD", "HEAD").out
    assert f"No difference over 4 seeds: {spread}" in report
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    printed = workspace.tool("compare", "HEAD", "HEAD")
    assert printed.status == 0
    assert "seeds" not in printed.out
    assert "warning: could not read MLflow runs with different seeds: " in printed.err


def test_dvc_tracked_data_outside_the_pipeline_are_ignored(workspace: Workspace) -> None:
    """Corrupt a data file and a .dvc file outside the pipeline: neither affects the comparison."""
    other, mine, notes = Path("data/other.csv"), Path("raw/mine"), Path("data/digits/notes.txt")
    mine.mkdir(parents=True)
    with Repo() as repo:
        for path in (other, mine / "a.csv", notes):
            path.write_text("1\n")
        repo.add([str(other), str(mine), str(notes)])
        repo.imp_url(str(TEST.absolute()), "raw/imported")
    seen = git(Path(), "status", "--porcelain", "--untracked-files=all", "data", "raw")
    kept = ["data/.gitignore", "data/digits/.gitignore", f"{notes}.dvc", f"{other}.dvc"]
    kept += ["raw/.gitignore", "raw/imported.dvc", "raw/mine.dvc"]
    assert seen.splitlines() == [f"?? {path}" for path in kept]
    for path in (other, mine.with_suffix(".dvc")):
        path.write_text("[")
        assert "Test accuracy" in workspace.tool("compare", "HEAD").out


def test_a_revision_without_a_model_is_rejected(workspace: Workspace) -> None:
    output = rejection(workspace, "nothing")
    assert output.startswith("nothing: not a commit, branch, tag or DVC experiment")
    assert "not a commit, branch, tag or DVC" in rejection(workspace, "HEAD", "HEAD:dvc.yaml")
    tree = ("commit-tree", "-m", "before the pipeline", "HEAD:stages")
    first = git(workspace.directory, *tree).strip()
    assert f"commit {first[:7]}: contains no dvc.lock" in rejection(workspace, first)
    workspace.set(train={"epochs": 6})
    assert "train: train.epochs modified" in rejection(workspace, "HEAD")


@pytest.mark.parametrize(
    ("stages", "problem"), [(["train"], "has no "), ([*STAGES], "download.dataset is missing")]
)
def test_a_revision_without_params_in_dvc_lock_is_rejected(
    workspace: Workspace, stages: list[str], problem: str
) -> None:
    lock = yaml.safe_load(dvc_lock.PATH.read_text())
    for stage in stages:
        lock["stages"][stage].pop("params", None)
    dvc_lock.PATH.write_text(yaml.safe_dump(lock))
    workspace.commit()
    assert problem in rejection(workspace, "HEAD~1", "HEAD")
    answer = workspace.tool("predict", TEST, "--rev", "HEAD", "--csv")
    if stages == ["train"]:  # the params of other stages name the data set
        assert len(answer.out.splitlines()) == 31
    else:
        assert problem in error(answer)


@pytest.mark.parametrize("written", [None, "", "digits:\n  shape: 8\n", "a: [", "- 1\n"])
def test_a_revision_without_its_data_set_entry_is_rejected(
    workspace: Workspace, written: str | None
) -> None:
    datasets.PATH.write_text(written) if written is not None else datasets.PATH.unlink()
    workspace.commit()
    output = error(workspace.tool("predict", TEST, "--rev", "HEAD"))
    assert output.startswith("HEAD: its datasets.yaml has no valid entry 'digits'. Choose a ")


def test_a_model_whose_outputs_are_not_cached_is_rejected(workspace: Workspace) -> None:
    git(workspace.directory, "update-ref", "refs/remotes/origin/other", "HEAD")
    for md5 in dvc_lock.outputs(dvc_lock.load(), "export").values():
        (Path(".dvc/cache/files/md5") / md5[:2] / md5[2:]).unlink()
    assert "byte for byte" in workspace.tool("compare", "HEAD", "HEAD").out
    shutil.rmtree(".dvc/cache")
    shutil.rmtree(compare.REPORT.parent)
    output = rejection(workspace, "origin/other", "HEAD")
    assert "models/softmax.safetensors is not in DVC's cache. Run `dvc fetch --all" in output


@pytest.mark.end_to_end  # a second or more
def test_changes_of_lesson_and_report_are_reported(workspace: Workspace) -> None:
    workspace.set(lesson={"learning_rate": 1.0})
    with Path("softmax/report/styles/style.css").open("a") as style:
        style.write("/* another */\n")
    workspace.run("lesson", "report")
    workspace.commit("Another lesson")
    shown = workspace.tool("compare", "HEAD~1", "HEAD").out
    (differ,) = (line for line in shown.splitlines() if "byte for byte" in line)
    assert differ.startswith("**The weights are the same, byte for byte.** Other results differ: ")
    for path in ("models/lesson.safetensors", "metrics/lesson.json", "report/index.html"):
        assert f"`{path}`" in differ
    assert "| `lesson.learning_rate` |      2.0 |     1.0 |" in shown
    assert "Code: `softmax/report`.\n" in shown
    assert "Unchanged: data." in shown
    assert "| `lesson_train_loss`" in shown
    assert "Weights before" not in shown


@pytest.mark.end_to_end  # four seconds
def test_changed_data_are_reported_by_images_and_classes(workspace: Workspace) -> None:
    """Change the label of a training image and the name of a class, and add a test image."""
    labels, test = datasets.training_files("digits")[1], datasets.test_files("digits")
    labels.write_bytes(b"\7".join(labels.read_bytes().rsplit(b"\0", 1)))  # the last 0 is a 7
    images, answers = idx.read(test[0], 3)[::-1], idx.read(test[1], 1)[::-1]
    digits.write_idx(test[0], np.where(np.arange(30)[:, None, None], images, 255 - images))
    digits.write_idx(test[1], answers)
    entry = {**digits.entry(labels.parent), "classes": [*"012345678", "nine"]}
    datasets.PATH.write_text(yaml.safe_dump({"digits": entry}))
    workspace.set(train={"learning_rate": 1e-5})
    workspace.run()
    report = workspace.tool("compare", "HEAD").out.partition("\n")[2]
    assert (
        "Training set: 500 images, 51 with a different label. Test set: 30 images, 1 added, "
        "1 removed, 2 with a different label. Classes added: nine. Classes dropped: 9.\n"
    ) in report
    assert "On the 27 test images in both sets with the same label: **-" in report
    workspace.commit()
    assert workspace.tool("compare", "HEAD~1", "HEAD").out.partition("\n")[2] == report
    row = cells(workspace.tool("compare", "HEAD~1", "HEAD", "workspace").out)[-1]
    assert row[-2] == "more than noise, on 27 shared test images"
    md5 = dvc_lock.outputs(dvc_lock.load(), "download")[labels]
    (Path(".dvc/cache/files/md5") / md5[:2] / md5[2:]).unlink()
    labels.unlink()
    shown = workspace.tool("compare", "HEAD", "HEAD~1").out
    remedy = "Run `dvc fetch --all-commits`, or check out the commit and run `dvc repro`."
    assert f": {labels} is not in DVC's cache. {remedy}\n" in shown
    assert f"| `{labels}` |" in shown
    assert "no test can tell progress" in shown
