"""Test that failures of softmax/tracking never change outputs of stages or their exit status."""

import shutil
import sys
from typing import Any

import pytest
from helpers.workspace import Workspace

from softmax.pipeline import dvc_lock, recorder
from softmax.pipeline.recorder import Recorder
from softmax.tracking import recording

LOGGING = ("download", "train", "evaluate", "export", "lesson", "report")


@pytest.mark.parametrize("fault", ["softmax.tracking", "mlflow", RuntimeError, SystemExit])
def test_a_missing_or_failing_package_never_fails_a_stage(fault: Any, workspace: Workspace) -> None:
    def fail(*_: object, **__: object) -> None:
        raise fault("not today")

    if isinstance(fault, str):
        workspace.monkeypatch.setitem(sys.modules, fault, None)
        reason = f"ModuleNotFoundError: import of {fault}"
    else:
        workspace.monkeypatch.setattr(recording, "log", fail)
        reason = f"{fault.__name__}: not today"
    before, stages = workspace.contents(), dvc_lock.load()
    for path in (path for name in LOGGING for path in dvc_lock.outputs(stages, name)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    printed = [workspace.stage(stage) for stage in LOGGING]
    assert [(stage.status, stage.err.count("\n")) for stage in printed] == [(0, 1)] * len(LOGGING)
    for stage in printed:
        assert stage.err.startswith("warning: could not log ")
        assert reason in stage.err
    assert workspace.contents() == before


def test_ctrl_c_ends_a_stage_that_logs(workspace: Workspace) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    workspace.monkeypatch.setattr(Recorder, "_ask", interrupt)
    assert workspace.stage("evaluate").status == 130


@pytest.mark.parametrize(
    ("event", "experiment", "remedy"),
    [
        ("train", "", "`python -m softmax track`"),
        ("train", "mild-sole", "`python -m softmax track --history`"),  # its directory is temporary
        ("lesson", "", "`dvc repro --force --single-item lesson`"),
        ("download", "", "`dvc repro --force --single-item download`"),
        ("sweep", "", "run the same sweep again afterward. It reuses the trained models."),
    ],
)
def test_a_warning_names_the_first_cause_and_the_remedy(
    event: str,
    experiment: str,
    remedy: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", experiment)
    with recorder.never_fails(event):
        try:
            raise OSError("the cause\nand more")
        except OSError as cause:
            raise RuntimeError("the consequence") from cause
    warned = f"warning: could not log {event} to MLflow: OSError: the cause. "
    complete = "The results on disk are complete. To log them later: "
    if event == "sweep":
        complete = "Training is not affected. To log the models, "
    assert capsys.readouterr().err == f"{warned}{complete}{remedy}\n"
