"""Events cannot change facts: without softmax/tracking all stages give the locked bytes."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import forkserver
import pytest
import yaml
from clones import Clone

LOGGING = {"download", "train", "evaluate", "export", "lesson", "report"}
RAISES = """\
def __getattr__(name):
    def function(*arguments, **keywords):
        raise {}("not today")
    return function
"""


@pytest.fixture
def clone(team: Clone, tmp_path: Path) -> Iterator[Clone]:
    """A clone with a small data set, in which nothing has run."""
    clone = Clone(tmp_path / "clone", team.folder)
    clone.environment = team.environment
    yield clone
    assert clone.run("git", "status", "--porcelain", "dvc.lock", "metrics") == ""


def assert_same_facts_with_a_warning_each(clone: Clone, reason: str) -> None:
    """The fixture compares the facts."""
    done = clone.attempt("dvc", "repro", "--force")
    assert done.returncode == 0, done.stderr
    warnings = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == len(LOGGING), done.stderr
    assert all(reason in line for line in warnings), warnings
    assert "Traceback" not in done.stderr


def test_the_package_is_no_dependency_of_any_stage(clone: Clone) -> None:
    stages = yaml.safe_load((clone.folder / "dvc.yaml").read_text())["stages"]
    assert not [dep for stage in stages.values() for dep in stage["deps"] if "tracking" in dep]


def test_without_the_package(clone: Clone) -> None:
    shutil.rmtree(clone.folder / "softmax/tracking")
    assert_same_facts_with_a_warning_each(clone, "No module named 'softmax.tracking'")


@pytest.mark.parametrize("error", ["RuntimeError", "SystemExit"])
def test_with_a_package_that_raises_on_every_call(clone: Clone, error: str) -> None:
    (clone.folder / "softmax/tracking/recording.py").write_text(RAISES.format(error))
    assert_same_facts_with_a_warning_each(clone, f"{error}: not today")


def test_without_mlflow(clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "mlflow.py").write_text("raise ModuleNotFoundError('no mlflow here')")
    forks = Path(clone.environment[forkserver.SOCKETS])
    with tempfile.TemporaryDirectory() as folder:
        for name in forkserver.LIBRARIES:
            (Path(folder) / name).symlink_to(forks / "dvc")  # which has not imported it
        here = {"PYTHONPATH": str(tmp_path), forkserver.SOCKETS: folder}
        clone.environment = clone.environment | here
        assert_same_facts_with_a_warning_each(clone, "no mlflow here")
