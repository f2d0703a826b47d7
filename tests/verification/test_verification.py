"""The proof can fail: on another byte anywhere, on sums that round, on a control that agrees."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from clones import Clone
from digits import write_lock
from old_fixtures import Workspace
from shared import ROOT, forking

from softmax.pipeline import files, params, paths
from softmax.provenance import lock
from verification import __main__ as verification
from verification import hashes, matrix
from verification.__main__ import CONTROL, MISSING, SAME, Result
from verification.matrix import Row

CONTROLS = [
    Result(Row("control", "lecture"), CONTROL, weights) for weights in ("one", "one", "another")
]


ROW = Row("a row", python="python")


@pytest.fixture(autouse=True)
def _forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python` is a fork."""
    for name, value in forking().items():
        monkeypatch.setenv(name, value)


def weights_by(way: str, preparation: str = "") -> str:
    """The SHA-256 of the weights that `way` gives here, after `preparation` in Python."""
    program = f"{preparation}\nfrom verification import retrain\nretrain.main()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(["python", "-c", program, way], env=environment, check=True)
    return files.sha256(paths.WEIGHTS)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the outputs of the stages are kept that `locked` had at its first use."""
    return tmp_path_factory.mktemp("given") / "workspace"


@pytest.fixture
def locked(given: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The content of a dvc.lock of what the stages give here, and one row to compare with it."""
    here = workspace()
    if not given.exists():
        weights_by("numpy")
        shutil.copytree(here, given)
    shutil.copytree(given, here, dirs_exist_ok=True)
    monkeypatch.setattr(matrix, "here", lambda: [ROW])
    monkeypatch.setattr(sys, "argv", ["verification"])
    return write_lock()


def verify(locked: dict[str, Any]) -> None:
    """Run the command with this dvc.lock."""
    lock.PATH.write_text(yaml.safe_dump(locked))
    verification.main()


def test_the_locked_bytes_pass(locked: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    verify(locked)

    assert "1 configurations gave all 12 outputs the bytes" in capfd.readouterr().out


@pytest.mark.parametrize(("stage", "out"), [("train", 1), ("evaluate", 0), ("export", 0)])
def test_another_byte_of_any_output_fails(
    locked: dict[str, Any], stage: str, out: int, capfd: pytest.CaptureFixture[str]
) -> None:
    other = locked["stages"][stage]["outs"][out]
    other["md5"] = "0" * 32

    with pytest.raises(SystemExit) as exit_info:
        verify(locked)
    assert exit_info.value.code == 2
    assert f"a row: DIFFERENT: {other['path']}" in capfd.readouterr().err


def test_other_data_than_the_locked_are_refused(
    locked: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = {"path": "data/mnist/train-labels-idx1-ubyte", "md5": "0" * 32}
    locked["stages"]["download"]["outs"] = [wrong]

    with pytest.raises(SystemExit):
        verify(locked)
    assert "train-labels-idx1-ubyte: not the data of dvc.lock" in capfd.readouterr().err


@pytest.mark.parametrize("way", ["torch", "compiled", "backwards", "reference"])
def test_every_way_gives_the_same_weights(way: str, workspace: Workspace) -> None:
    workspace(train={"epochs": 1, "validation": 7})

    assert weights_by(way) == weights_by("numpy")


def test_without_grids_the_reverse_order_gives_others(workspace: Workspace) -> None:
    workspace(train={"epochs": 1})
    no_grids = """
from softmax.core import arithmetic
from stages import evaluate, export
arithmetic.snap = lambda x, grid: x
evaluate.main = export.main = lambda: None
"""
    assert weights_by("backwards", no_grids) != weights_by("numpy", no_grids)


def test_a_row_that_breaks_fails_in_one_line(workspace: Workspace) -> None:
    workspace()
    settings = params.load().model_dump()
    paths.WEIGHTS.parent.mkdir()
    Path("data").rename("elsewhere")
    result = verification.retrain(ROW, settings, {})

    assert result.outcome.startswith("FAILED: error: data/mnist/train-images-idx3-ubyte: not found")
    assert verification.judge([result])


def test_what_cannot_run_is_not_counted() -> None:
    missing = verification.retrain(Row("a row", missing="no GPU"), {}, {})

    assert missing.outcome == MISSING + "no GPU"
    assert verification.judge([missing, Result(Row("a row"), SAME), *CONTROLS]) == []


@pytest.mark.parametrize("expected", [{"instructions": "Z80"}, {"threads": 999}])
def test_a_library_that_chose_otherwise_is_not_counted(
    workspace: Workspace, expected: dict[str, Any]
) -> None:
    workspace()
    result = verification.retrain(ROW._replace(**expected), params.load().model_dump(), {})

    assert result.outcome.startswith(MISSING)
    assert "no configuration could run" in verification.judge([result, *CONTROLS])


@pytest.mark.parametrize("weights", [("one", "one", "one"), ("one", "another", "third")])
def test_a_control_that_cannot_tell_fails(weights: tuple[str, ...]) -> None:
    controls = [Result(Row("control", "lecture"), CONTROL, sha256) for sha256 in weights]

    assert verification.judge([Result(Row("a row"), SAME), *CONTROLS]) == []
    assert len(verification.judge([Result(Row("a row"), SAME), *controls])) == 1


def test_a_lock_names_its_params_and_outputs(pipeline: Clone) -> None:
    stages = lock.load(pipeline.folder)
    outputs = hashes.results(stages)

    assert len(outputs) == 12
    settings = params.load(pipeline.folder / "params.yaml")
    assert lock.params(stages).model_dump() == settings.model_dump(exclude={"lesson"})
    assert hashes.differences(pipeline.folder, outputs) == []
    assert hashes.differences(Path("nowhere"), outputs) == list(outputs)
