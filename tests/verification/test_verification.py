"""The proof can fail: on another byte anywhere, on sums that round, on a control that agrees."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
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
REPLACED = {  # by verification.retrain, for good
    Dataset: ["to"],
    Recorder: ["__init__", "log"],
    fitting: ["Trainer", "fit"],
    model: ["logits", "gradient_sum", "softmax", "cross_entropy"],
}


@pytest.fixture
def row(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Row:
    """The only configuration: a program that gives the outputs of the workspace."""
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


def outputs_by(workspace: Workspace, way: str) -> dict[str, bytes]:
    """Return data and outputs after verification.retrain computed them in this way."""
    dvc_lock.PATH.unlink(missing_ok=True)  # which may have others
    with pytest.MonkeyPatch.context() as monkeypatch:
        for owner, names in REPLACED.items():
            for name in names:
                monkeypatch.setattr(owner, name, getattr(owner, name))
        assert workspace.call("verification.retrain", way).status == 0
    return workspace.contents()


@pytest.mark.usefixtures("row")
def test_the_locked_bytes_pass(workspace: Workspace, tmp_path: Path) -> None:
    """Computed without what the caller has set."""
    workspace.monkeypatch.setenv("OMP_NUM_THREADS", "7")
    printed = workspace.call("verification.__main__")
    assert "1 configurations gave all 12 outputs the bytes" in printed.out
    assert printed.status == 0
    environment = (tmp_path / "environment").read_text().splitlines()
    assert "DEVICE=cpu" in environment
    assert "OMP_NUM_THREADS=7" not in environment


@pytest.mark.usefixtures("row")
@pytest.mark.parametrize(("stage", "out"), [("train", 1), ("evaluate", 0), ("export", 0)])
def test_another_byte_of_any_output_fails(workspace: Workspace, stage: str, out: int) -> None:
    locked = yaml.safe_load(dvc_lock.PATH.read_text())
    other = locked["stages"][stage]["outs"][out]
    other["md5"] = "0" * 32
    dvc_lock.PATH.write_text(yaml.safe_dump(locked))
    printed = workspace.call("verification.__main__")
    assert printed.status == 2
    assert printed.err.startswith("error: the proof fails here:\n")
    assert f"a row: DIFFERENT: {other['path']}\n" in printed.err


def test_other_data_than_the_locked_are_refused(workspace: Workspace) -> None:
    labels = Path("data/digits/train-labels-idx1-ubyte")
    labels.write_bytes(labels.read_bytes()[:-1])
    said = error(workspace.call("verification.__main__"))
    assert f"{labels}: not what dvc.lock has" in said


@pytest.mark.parametrize(
    ("way", "library"),
    [("torch", "torch"), ("compiled", "numba"), ("backwards", "numpy"), ("reference", "numpy")],
)
def test_every_way_gives_the_same_bytes(way: str, library: str, workspace: Workspace) -> None:
    workspace.set(train={"validation": 7})
    outputs = outputs_by(workspace, way)
    assert json.loads(retrain.REPORT.read_text())["versions"].startswith(library)
    assert outputs == outputs_by(workspace, "numpy")


def test_the_lecture_gives_other_weights(workspace: Workspace) -> None:
    before = workspace.contents()
    after = outputs_by(workspace, "lecture")
    assert {path for path in after if after[path] != before[path]} == {str(paths.WEIGHTS)}


def test_without_grids_the_reverse_order_gives_others(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arithmetic, "snap", lambda x, grid: x)  # noqa: ARG005 (none)
    monkeypatch.setattr("stages.evaluate.main", lambda: None)
    monkeypatch.setattr("stages.export.main", lambda: None)
    weights = [outputs_by(workspace, way)[str(paths.WEIGHTS)] for way in ("numpy", "backwards")]
    assert weights[0] != weights[1]


@pytest.mark.usefixtures("workspace")
def test_a_row_that_breaks_fails_in_one_line(row: Row) -> None:
    Path(row.python).write_text("#!/bin/sh\necho one >&2; echo error: two >&2; exit 1\n")
    result = verification.retrain(row, {}, {})
    assert result.outcome == "FAILED: error: two"
    assert verification.failures([result])


@pytest.mark.parametrize("expected", [{"instructions": "Z80"}, {"threads": 999}])
def test_a_library_that_chose_otherwise_is_not_counted(row: Row, expected: dict[str, Any]) -> None:
    result = verification.retrain(row._replace(**expected), {}, {})
    assert result.outcome.startswith(MISSING)
    assert "no configuration could run" in verification.failures([result, *CONTROLS])
    chosen = row._replace(instructions="Haswell", threads=1)
    assert verification.retrain(chosen, {}, {}).outcome == SAME


def test_a_control_that_cannot_tell_fails() -> None:
    """And what cannot run does not count."""
    missing = verification.retrain(Row("a row", missing="no GPU"), {}, {})
    assert missing.outcome == MISSING + "no GPU"
    rows = [missing, Result(Row("a row"), SAME)]
    assert verification.failures([*rows, *CONTROLS]) == []
    for weights in (("one", "one", "one"), ("one", "another", "third")):
        controls = [Result(Row("control", "lecture"), CONTROL, sha256) for sha256 in weights]
        assert len(verification.failures([*rows, *controls])) == 1
