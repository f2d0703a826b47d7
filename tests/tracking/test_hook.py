"""Events cannot change facts: whatever softmax/tracking does, all stages write the same bytes."""

import shutil
import sys

import pytest
import yaml
from helpers.workspace import Workspace

from softmax.pipeline import dvc_lock, recorder
from softmax.tracking import recording

LOGGING = ("download", "train", "evaluate", "export", "lesson", "report")


def assert_same_facts_with_a_warning_each(workspace: Workspace, reason: str) -> None:
    """Run all stages anew, for this reason without MLflow."""
    before, stages = workspace.contents(), dvc_lock.load()
    for path in (path for name in LOGGING for path in dvc_lock.outputs(stages, name)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    printed = [workspace.stage(stage) for stage in LOGGING]
    assert [(stage.status, stage.err.count("\n")) for stage in printed] == [(0, 1)] * len(LOGGING)
    for stage in printed:
        assert stage.err.startswith("warning: could not log ")
        assert reason in stage.err
    assert workspace.contents() == before


def test_the_package_is_no_dependency_of_any_stage(workspace: Workspace) -> None:
    stages = yaml.safe_load((workspace.directory / "dvc.yaml").read_text())["stages"]
    assert not [dep for stage in stages.values() for dep in stage["deps"] if "tracking" in dep]


@pytest.mark.parametrize("package", ["softmax.tracking", "mlflow"])
def test_without_a_package(package: str, workspace: Workspace) -> None:
    workspace.monkeypatch.setitem(sys.modules, package, None)
    assert_same_facts_with_a_warning_each(workspace, f"ModuleNotFoundError: import of {package}")


@pytest.mark.parametrize("error", [RuntimeError, SystemExit])
def test_with_a_package_that_raises(error: type[BaseException], workspace: Workspace) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error("not today")

    workspace.monkeypatch.setattr(recording, "STAGES", dict.fromkeys(recording.STAGES, fail))
    assert_same_facts_with_a_warning_each(workspace, f"{error.__name__}: not today")


def test_ctrl_c_ends_a_stage_that_logs(workspace: Workspace) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    workspace.monkeypatch.setattr(recording, "make_ready", interrupt)
    assert workspace.stage("evaluate").status == 130


@pytest.mark.parametrize(
    ("event", "experiment", "remedy"),
    [
        ("train", "", "`python -m softmax track`"),
        ("train", "mild-sole", "`python -m softmax track --history`"),  # its directory may go
        ("lesson", "", "`dvc repro --force --single-item lesson`"),
        ("download", "", "`dvc repro --force --single-item download`"),
        ("sweep", "", "run the same sweep again, which trains nothing twice"),
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
            raise RuntimeError("what came of it") from cause
    warned = f"warning: could not log {event} to MLflow: OSError: the cause. "
    complete = "The results on disk are complete. To log them later: "
    assert capsys.readouterr().err == f"{warned}{complete}{remedy}\n"
