"""A store that is away, fails at any call or is full: no stage minds."""

import itertools
import os
import resource
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.rows import content, rows
from helpers.stores import empty_store
from helpers.workspace import MODEL, Workspace
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST

from softmax.provenance import lock
from softmax.tracking import store

connect = store.connect


class Failing:
    """A client that does what call `first` asks for and loses its answer, and then others.

    `first` is a number, or a name, of which the first call is meant. `count` calls fail, of which
    the later ones are not done.
    """

    def __init__(self, first: int | str, count: int) -> None:
        self.first, self.count = first, count
        self.calls = self.failures = 0

    def connect(self) -> "Failing":
        """Connect as the pipeline does; all calls of the pipeline are counted together."""
        self.client = connect()
        return self

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **keywords: Any) -> Any:
            number, self.calls = self.calls, self.calls + 1
            fails = self.failures or self.first in (number, name)
            if not self.failures or self.failures == self.count:
                answer = found(*arguments, **keywords)
            if fails and self.failures < self.count:
                self.failures += 1
                raise MlflowException("the answer got lost")
            return answer

        return call


@pytest.fixture
def expected(workspace: Workspace) -> Any:
    """What MLflow shows of the model where nothing fails; the stages have an empty store next."""
    workspace.tool("track")
    found = content(workspace.store)
    use_empty_store(workspace)
    return found


def use_empty_store(workspace: Workspace) -> None:
    """Let the stages log to a store in which nothing is."""
    uri = empty_store(workspace.directory / f"{len(list(Path().glob('*.db')))}.db")
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)


def run(workspace: Workspace) -> list[str]:
    """Run the stages as though DVC knew of none; return the warning of each, if any.

    AssertionError unless their outputs are as before.
    """
    before, stages = workspace.contents(), lock.load()
    locked = lock.PATH.read_bytes()
    for path in [lock.PATH, *(path for name in MODEL for path in lock.outputs(stages, name))]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    printed = [workspace.stage(name) for name in MODEL]
    assert [stage.status for stage in printed] == [0] * len(MODEL)
    lock.PATH.write_bytes(locked)
    assert workspace.contents() == before
    warnings = [stage.err for stage in printed]
    assert all(map(names_the_remedy, filter(None, warnings))), warnings
    return warnings


def names_the_remedy(warning: str) -> bool:
    """Return whether a stage printed the one line that says what to do."""
    return (
        warning.count("\n") == 1 and warning.startswith("warning: ") and "softmax track" in warning
    )


def tracked(workspace: Workspace) -> Any:
    """Return what MLflow shows of the only row, after `softmax track`."""
    assert workspace.tool("track").status == 0
    return content(os.environ["MLFLOW_TRACKING_URI"])


def fail(workspace: Workspace, first: int | str, count: int) -> list[str] | None:
    """Run the stages with a client that fails; None if they make no such call."""
    failing = Failing(first, count)
    with workspace.monkeypatch.context() as patch:
        patch.setattr(store, "connect", failing.connect)
        warnings = run(workspace)
    return warnings if failing.failures else None


@pytest.mark.parametrize(
    "name",
    ["create_experiment", "create_run", "log_model_artifacts", "create_model_version", "log_image"],
)
def test_a_store_that_dies_in_mid_run(name: str, workspace: Workspace, expected: Any) -> None:
    warnings = fail(workspace, name, sys.maxsize)
    assert warnings
    assert all(warnings[next(k for k, line in enumerate(warnings) if line) :])
    assert tracked(workspace) == expected


@pytest.mark.parametrize(
    "name",
    ["create_run", "create_logged_model", "log_outputs", "create_registered_model", "log_inputs"],
)
def test_a_call_whose_answer_gets_lost(name: str, workspace: Workspace, expected: Any) -> None:
    """The stages after it complete the row, without a second one."""
    warnings = fail(workspace, name, 1)
    assert warnings
    assert len(list(filter(None, warnings))) == 1
    assert tracked(workspace) == expected


@pytest.mark.extended
@pytest.mark.parametrize("count", [1, sys.maxsize], ids=["one", "all"])
def test_a_failure_at_any_call(count: int, workspace: Workspace, expected: Any) -> None:
    for number in itertools.count():
        if fail(workspace, number, count) is None:
            break
        assert tracked(workspace) == expected, f"call {number}"
        use_empty_store(workspace)
    assert number > 40


def test_a_refusal_of_one_of_two_that_are_first_is_no_failure(
    workspace: Workspace, expected: Any
) -> None:
    """As a database gives that two clients tell of one data set at once."""
    log_inputs, refused = MlflowClient.log_inputs, list[Any]()

    def refuse_once(*arguments: Any) -> None:
        if not refused:
            refused.append(arguments)
            raise MlflowException("unique constraint", error_code=BAD_REQUEST)
        log_inputs(*arguments)

    workspace.monkeypatch.setattr(MlflowClient, "log_inputs", refuse_once)
    assert run(workspace) == [""] * len(MODEL)
    assert tracked(workspace) == expected


def test_a_full_disk(workspace: Workspace, expected: Any) -> None:
    """Let writes beyond half of the database fail."""
    uri = os.environ["MLFLOW_TRACKING_URI"]
    half = Path(uri.removeprefix("sqlite:///")).stat().st_size // 2
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (half, most))
    try:
        warnings = run(workspace)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))
    assert all("OperationalError" in line for line in warnings)
    assert rows(uri) == []
    assert tracked(workspace) == expected


def test_a_store_that_can_only_be_read(workspace: Workspace, expected: Any) -> None:
    uri = os.environ["MLFLOW_TRACKING_URI"]
    read_only = uri.replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true"
    with workspace.monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", read_only)
        warnings = run(workspace)
    assert all("readonly database" in line for line in warnings)
    assert rows(uri) == []
    assert tracked(workspace) == expected


@pytest.mark.parametrize(
    "uri",
    [
        "http://mlflow.invalid:5000",
        "sqlite:////proc/1/cmdline/mlflow.db",
        "postgresql+psycopg2://nobody@127.0.0.1:9/mlflow",
    ],
)
def test_a_store_that_is_not_there(uri: str, workspace: Workspace) -> None:
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert all(run(workspace))
