"""Test that a store that is unreachable or full, or fails at any call, never fails a stage."""

import os
import resource
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.runs import content, runs
from helpers.stores import empty_store
from helpers.workspace import MODEL, Workspace
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST

from softmax.pipeline import dvc_lock
from softmax.tracking import store

connect = store.connect


class Failing:
    """Fail `count` calls of a client, beginning with call `first`, a number or a name.

    The first of these calls takes effect but loses its answer. The later calls have no effect.
    """

    def __init__(self, first: int | str, count: int) -> None:
        self.first, self.count = first, count
        self.calls = self.failures = 0

    def connect(self) -> "Failing":
        """Connect as the pipeline does. Calls are counted over all connections."""
        self.client = connect()
        return self

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **keywords: Any) -> Any:
            number, self.calls = self.calls, self.calls + 1
            if not self.failures and self.first in (number, name):
                found(*arguments, **keywords)
            elif self.failures in (0, self.count):
                return found(*arguments, **keywords)
            self.failures += 1
            raise MlflowException("the answer got lost")

        return call


FOUND: list[Any] = []  # the result of `expected`, which is the same for all tests


@pytest.fixture
def expected(workspace: Workspace) -> Any:
    """Return the content of the run if nothing fails, from a store that stages do not use."""
    if not FOUND:
        with workspace.monkeypatch.context() as elsewhere:
            elsewhere.setenv("MLFLOW_TRACKING_URI", empty_store(workspace.directory / "other.db"))
            FOUND.append(tracked(workspace))
    return FOUND[0]


def tracked(workspace: Workspace) -> Any:
    """Run `softmax track`, and return the content of the only run."""
    assert workspace.tool("track").status == 0
    return content(os.environ["MLFLOW_TRACKING_URI"])


def run(workspace: Workspace) -> list[str]:
    """Run the stages without a dvc.lock, and return the warning of each or ""."""
    before, locked = workspace.contents(), dvc_lock.PATH.read_bytes()
    dvc_lock.PATH.unlink()
    printed = [workspace.stage(name) for name in MODEL]
    dvc_lock.PATH.write_bytes(locked)
    assert [stage.status for stage in printed] == [0] * len(MODEL)
    assert workspace.contents() == before
    for warning in (stage.err for stage in printed if stage.err):
        assert warning.startswith("warning: ")
        assert "softmax track" in warning
        assert warning.count("\n") == 1
    return [stage.err for stage in printed]


def fail(workspace: Workspace, first: int | str, count: int) -> list[bool]:
    """Run the stages with a failing client, and return for each whether it warned."""
    with workspace.monkeypatch.context() as patch:
        patch.setattr(store, "connect", Failing(first, count).connect)
        return [bool(warning) for warning in run(workspace)]


SOME = ["create_run", "log_inputs", "create_logged_model", "create_model_version", "log_image"]
ANY = pytest.param(range(1000), marks=pytest.mark.extended)


@pytest.mark.end_to_end  # a second for each call
@pytest.mark.parametrize("count", [1, sys.maxsize], ids=["one", "all"])
@pytest.mark.parametrize("calls", [SOME, ANY], ids=["some", "any"])
def test_after_a_failed_mlflow_call_track_completes_the_run(
    calls: Any, count: int, workspace: Workspace, expected: Any
) -> None:
    """Fail one call or all later calls. Only the affected stages print a warning."""
    for call in calls:
        uri = empty_store(workspace.directory / f"{call}.db")
        workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        if not any(warned := fail(workspace, call, count)):
            break
        assert sum(warned) == 1 if count == 1 else all(warned[warned.index(True) :])
        assert tracked(workspace) == expected, f"call {call}"
    assert any(warned) if calls == SOME else call > 30


def test_a_conflict_of_clients_never_fails_a_stage(workspace: Workspace, expected: Any) -> None:
    """Raise the database's error for two clients that log the same data set at once."""
    log_inputs, refused = MlflowClient.log_inputs, list[Any]()

    def refuse_once(*arguments: Any) -> None:
        if not refused:
            refused.append(arguments)
            raise MlflowException("unique constraint", error_code=BAD_REQUEST)
        log_inputs(*arguments)

    workspace.monkeypatch.setattr(MlflowClient, "log_inputs", refuse_once)
    assert run(workspace) == [""] * len(MODEL)
    assert tracked(workspace) == expected


def test_a_full_disk_never_fails_a_stage(workspace: Workspace, expected: Any) -> None:
    """Fail writes beyond half of the database's size."""
    half = Path("mlflow.db").stat().st_size // 2
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (half, most))
    try:
        warnings = run(workspace)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))
    assert all("OperationalError" in line for line in warnings)
    assert runs(workspace.store) == []
    assert tracked(workspace) == expected


@pytest.mark.parametrize(
    "uri",
    [
        "http://mlflow.invalid:5000",
        "sqlite:////proc/1/cmdline/mlflow.db",
        "postgresql+psycopg2://nobody@127.0.0.1:9/mlflow",
        "sqlite:///file:mlflow.db?mode=ro&uri=true",
    ],
)
def test_a_missing_or_read_only_store_never_fails_a_stage(uri: str, workspace: Workspace) -> None:
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert all(run(workspace))
