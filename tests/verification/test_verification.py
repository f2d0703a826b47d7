"""Test that `make verify` and the check that dvc.lock is up to date detect every difference.

tests/end_to_end/test_reproducibility.py tests the check that dvc.lock is reproducible.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.clones import git
from helpers.workspace import Workspace, error

from softmax.core import arithmetic, model
from softmax.core.batches import Dataset
from softmax.pipeline import dvc_lock, paths
from softmax.pipeline.recorder import Recorder
from softmax.training import fitting
from verification import __main__ as verification
from verification import matrix, retrain
from verification.__main__ import CONTROL, MISSING, SAME, Result
from verification.matrix import Row

REPORT = {"device": "cpu", "instructions": "Haswell", "threads": 1, "seconds": 1, "versions": "1"}
CONTROLS = [
    Result(Row("control", "lecture"), CONTROL, weights) for weights in ("one", "one", "another")
]
REPLACED = [  # verification.retrain replaces these attributes and does not restore them
    *[(Dataset, "to"), (Recorder, "__init__"), (Recorder, "log")],
    *[(fitting, "Trainer"), (fitting, "fit"), (model, "logits"), (model, "gradient_sum")],
    *[(model, "softmax"), (model, "cross_entropy")],
]


@pytest.fixture
def row(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Row:
    """Return the only configuration, a program that copies the outputs of the workspace."""
    script = tmp_path / "python"
    script.write_text(
        f"""#!/bin/sh
        cp -r {workspace.directory}/models {workspace.directory}/metrics . &&
        cp -r {workspace.directory}/images . && echo '{json.dumps(REPORT)}' > report.json &&
        env > {tmp_path}/environment
        """
    )
    script.chmod(0o755)
    only = Row("a row", python=str(script))
    monkeypatch.setattr(matrix, "here", lambda: [only])
    return only


def damage(stage: str, kind: str, path: str) -> None:
    """Replace the hash of a file or directory in dvc.lock."""
    locked = yaml.safe_load(dvc_lock.PATH.read_text())
    (entry,) = (entry for entry in locked["stages"][stage][kind] if entry["path"] == path)
    entry["md5"] = "0" * 32
    dvc_lock.PATH.write_text(yaml.safe_dump(locked))


def outputs_by(workspace: Workspace, way: str) -> dict[str, bytes]:
    """Run this variant of verification.retrain, and return data and outputs."""
    dvc_lock.PATH.unlink(missing_ok=True)  # it may contain other hashes
    with pytest.MonkeyPatch.context() as monkeypatch:
        for owner, name in REPLACED:
            monkeypatch.setattr(owner, name, getattr(owner, name))
        assert workspace.call("verification.retrain", way).status == 0
    return workspace.contents()


@pytest.mark.usefixtures("row")
def test_outputs_equal_to_dvc_lock_pass(workspace: Workspace, tmp_path: Path) -> None:
    """Set a variable that must not reach the configuration."""
    workspace.monkeypatch.setenv("OMP_NUM_THREADS", "7")
    printed = workspace.call("verification.__main__")
    assert "1 configurations reproduced all 12 outputs of train, evaluate and export" in printed.out
    assert printed.status == 0
    environment = (tmp_path / "environment").read_text().splitlines()
    assert "DEVICE=cpu" in environment
    assert "OMP_NUM_THREADS=7" not in environment


@pytest.mark.usefixtures("row")
@pytest.mark.parametrize(
    ("stage", "path"),
    [
        ("train", "models/softmax.safetensors"),
        ("evaluate", "images/samples"),
        ("export", "images/weights"),
    ],
)
def test_any_changed_output_byte_is_detected(workspace: Workspace, stage: str, path: str) -> None:
    damage(stage, "outs", path)
    printed = workspace.call("verification.__main__")
    assert printed.status == 2
    assert printed.err.startswith("error: verification failed:\n")
    assert f"a row: DIFFERENT: {path}\n" in printed.err


def test_data_that_differ_from_dvc_lock_are_rejected(workspace: Workspace) -> None:
    labels = Path("data/digits/train-labels-idx1-ubyte")
    labels.write_bytes(labels.read_bytes()[:-1])
    output = error(workspace.call("verification.__main__"))
    assert f"{labels}: differs from dvc.lock" in output


@pytest.mark.end_to_end
@pytest.mark.parametrize(
    ("way", "library"),
    [("torch", "torch"), ("compiled", "numba"), ("backwards", "numpy"), ("reference", "numpy")],
)
def test_all_variants_give_the_same_outputs(way: str, library: str, workspace: Workspace) -> None:
    workspace.set(train={"validation": 7})
    outputs = outputs_by(workspace, way)
    assert json.loads(retrain.REPORT.read_text())["versions"].startswith(library)
    assert outputs == outputs_by(workspace, "numpy")


def test_the_lecture_in_float32_gives_different_weights(workspace: Workspace) -> None:
    before = workspace.contents()
    after = outputs_by(workspace, "lecture")
    assert {path for path in after if after[path] != before[path]} == {str(paths.WEIGHTS)}


def test_without_rounding_to_grids_reversed_sums_give_different_weights(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arithmetic, "snap", lambda x, grid: x)  # noqa: ARG005 (none)
    monkeypatch.setattr("stages.evaluate.main", lambda: None)
    monkeypatch.setattr("stages.export.main", lambda: None)
    weights = [outputs_by(workspace, way)[str(paths.WEIGHTS)] for way in ("numpy", "backwards")]
    assert weights[0] != weights[1]


@pytest.mark.usefixtures("workspace")
def test_a_failed_configuration_is_reported_in_one_line(row: Row) -> None:
    Path(row.python).write_text("#!/bin/sh\necho one >&2; echo error: two >&2; exit 1\n")
    result = verification.retrain(row, {}, {})
    assert result.outcome == "FAILED: error: two"
    assert verification.failures([result])


@pytest.mark.parametrize("expected", [{"instructions": "Z80"}, {"threads": 999}])
def test_a_deviating_configuration_is_not_counted(row: Row, expected: dict[str, Any]) -> None:
    result = verification.retrain(row._replace(**expected), {}, {})
    assert result.outcome.startswith(MISSING)
    assert "no configuration reproduced dvc.lock" in verification.failures([result, *CONTROLS])
    chosen = row._replace(instructions="Haswell", threads=1)
    assert verification.retrain(chosen, {}, {}).outcome == SAME


def test_a_control_without_the_expected_difference_fails_the_verification() -> None:
    """Include a configuration that cannot run, which does not count."""
    missing = verification.retrain(Row("a row", missing="no GPU"), {}, {})
    assert missing.outcome == MISSING + "no GPU"
    rows = [missing, Result(Row("a row"), SAME)]
    assert verification.failures([*rows, *CONTROLS]) == []
    for weights in (("one", "one", "one"), ("one", "another", "third")):
        controls = [Result(Row("control", "lecture"), CONTROL, sha256) for sha256 in weights]
        assert len(verification.failures([*rows, *controls])) == 1


LABELS = "data/digits/t10k-labels-idx1-ubyte"
EDITS = {  # a part of the verdict, and the file, the text to replace and its replacement
    "train: train.epochs modified": ("params.yaml", "epochs: 1", "epochs: 6"),
    "check: datasets.yaml modified": ("datasets.yaml", "shape:", "homepage: a\n  shape:"),
    "report: softmax/report modified": ("softmax/report/styles/style.css", "{", " {"),
    "evaluate: metrics/test.json modified": ("metrics/test.json", '"total": 30', '"total": 31'),
    f"evaluate: {LABELS} modified": (LABELS, "\5\6", "\5\5"),
    "date: train: command modified. Run": ("dvc.yaml", "-m stages.train", "-m torch.train"),
    "export: not in dvc.lock; ghost: in dvc.lock, but not in dvc.yaml (delete it from dvc.lock)": (
        *("dvc.lock", "  export:", "  ghost:"),
    ),
}
CURRENT = "dvc.lock is up to date: 7 stages"
BROKEN = {  # the same for files that become invalid
    "dvc.lock' validation failed": ("dvc.lock", "schema: '2.0'", "schema: '9.0'"),
    "dvc.yaml' validation failed": ("dvc.yaml", "\nstages:", "\nstages: 1\nstags:"),
    "params.yaml: train.epochs = 0 should be": ("params.yaml", "epochs: 1", "epochs: 0"),
    "dvc.lock is corrupted": ("dvc.lock", "schema: '2.0'", "<<<<<<< HEAD\nschema: '2.0'"),
}


def remove_data() -> None:
    """Remove data, outputs and DVC's cache, as in a clone before `dvc pull`."""
    for directory in (".dvc/cache", "data", "images", "models", "report"):
        shutil.rmtree(directory)
    git(Path(), "clean", "--quiet", "--force", "-X", "metrics", "params.valid")


def test_dvc_lock_is_up_to_date_with_and_without_data(workspace: Workspace) -> None:
    assert CURRENT in workspace.call("verification.checks", "current").out
    remove_data()
    assert CURRENT in workspace.call("verification.checks", "current").out
    assert git(workspace.directory, "status", "--porcelain") == ""


@pytest.mark.parametrize("reason", [*EDITS, *BROKEN])
def test_a_change_without_a_new_dvc_lock_is_detected(workspace: Workspace, reason: str) -> None:
    file, old, new = (EDITS | BROKEN)[reason]
    text = Path(file).read_text()
    assert old in text
    Path(file).write_text(text.replace(old, new, 1))
    line = error(workspace.call("verification.checks", "current"))
    assert reason in line
    asked = "Run `dvc repro`, then commit dvc.lock and metrics"
    assert (line.startswith("dvc.lock is not up to date: ") and asked in line) == (reason in EDITS)


@pytest.mark.parametrize(("stage", "kind"), [("download", "outs"), ("evaluate", "deps")])
def test_a_wrong_data_hash_is_detected(workspace: Workspace, stage: str, kind: str) -> None:
    """Detect the hash although data, outputs and cache are missing."""
    remove_data()
    damage(stage, kind, LABELS)
    assert f"evaluate: {LABELS} deleted" in error(workspace.call("verification.checks", "current"))
