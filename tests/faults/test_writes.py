"""A disk that takes no more, or SIGKILL, at each write of a stage: every output is whole."""

import errno
import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.workspace import STAGES, Workspace, error

from softmax.provenance import lock

OLD = b"what was here before"
ERRORS = ("ENOSPC", "EDQUOT", "EIO", "EROFS", "EACCES")
Meet = Callable[[int], None]


class Killed(BaseException):
    """Stands for SIGKILL: what began to write does nothing more."""


def outputs(stage: str) -> list[Path]:
    """Return the files that the stage writes."""
    made = lock.outputs(lock.load(), stage)
    return [file for path in made for file in (path, *path.rglob("*")) if file.is_file()]


def age(files: list[Path]) -> None:
    """Replace each file by an old one."""
    for path in files:
        path.unlink()
        path.write_bytes(OLD)


def run(workspace: Workspace, stage: str, files: list[Path], meet: Meet) -> str:
    """Run the stage; call `meet` with 0, 1, ... in each write of an output, then before its name.

    Return the error with which it ended, "" if with none.
    """
    whole, rename, numbers = Path.write_bytes, Path.replace, itertools.count()

    def write_bytes(path: Path, content: bytes) -> int:
        if path.with_name(path.name.removesuffix(".partial")) in files:
            whole(path, content[: len(content) // 2])
            meet(next(numbers))
        return whole(path, content)

    def replace(path: Path, target: Path) -> Path:
        if target in files:
            meet(next(numbers))
        return rename(path, target)

    with workspace.monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write_bytes)
        patch.setattr(Path, "replace", replace)
        printed = workspace.stage(stage)
    return error(printed) if printed.status else ""


def fail(workspace: Workspace, stage: str, files: list[Path], name: str, number: int) -> None:
    """Run the stage with this error of the system at this write; no part of a file is left."""
    code = getattr(errno, name)

    def meet(now: int) -> None:
        if now >= number:
            raise OSError(code, os.strerror(code))

    assert os.strerror(code) in run(workspace, stage, files, meet)
    assert not [*Path().rglob("*.partial")]


def kill(workspace: Workspace, stage: str, files: list[Path], _: str, number: int) -> None:
    """Run the stage with a kill at this write, after which it cleans nothing up."""

    def meet(now: int) -> None:
        if now == number:
            raise Killed

    with workspace.monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(Killed):
            run(workspace, stage, files, meet)


def assert_recovers(workspace: Workspace, stage: str, before: dict[str, bytes]) -> None:
    """Assert that the stage, run again, gives the bytes of `before`, and no part is left."""
    assert workspace.stage(stage).status == 0
    assert workspace.contents() == before
    assert not [*Path().rglob("*.partial")]


def count_writes(workspace: Workspace, stage: str, files: list[Path]) -> int:
    """Return how often the stage writes or names an output."""
    met: list[int] = []
    assert run(workspace, stage, files, met.append) == ""
    assert len(met) == 2 * len(files)
    return len(met)


def whole_or_old(before: dict[str, bytes], files: list[Path]) -> int:
    """Assert that all files of the workspace but `files` are whole; return how many are whole."""
    found = {path: Path(path).read_bytes() for path in before}
    for path, content in before.items():
        allowed = (content, OLD) if Path(path) in files else (content,)
        assert found[path] in allowed, path
    return sum(found[str(path)] != OLD for path in files)


@pytest.mark.parametrize("fault", [fail, kill])
def test_outputs_appear_whole_and_only_once_all_are_written(
    fault: Callable[..., None], workspace: Workspace
) -> None:
    before, files = workspace.contents(), outputs("evaluate")
    count = count_writes(workspace, "evaluate", files)
    for number in (0, count // 2 - 1, count // 2, count - 1):
        age(files)
        fault(workspace, "evaluate", files, "ENOSPC", number)
        assert whole_or_old(before, files) == max(0, number - count // 2)
        assert_recovers(workspace, "evaluate", before)


def test_whoever_looks_while_a_stage_writes_sees_whole_files(workspace: Workspace) -> None:
    before, files = workspace.contents(), outputs("export")
    age(files)
    seen: list[int] = []
    run(workspace, "export", files, lambda _: seen.append(whole_or_old(before, files)))
    assert seen == [0] * len(files) + [*range(len(files))]


@pytest.mark.extended
@pytest.mark.parametrize("fault", [fail, kill])
@pytest.mark.parametrize("stage", STAGES)
def test_each_fault_at_each_write_of_each_stage(
    stage: str, fault: Callable[..., None], workspace: Workspace
) -> None:
    before, files = workspace.contents(), outputs(stage)
    shutil.copytree("data/digits", "mirror")  # for `download`, whose own files are aged
    workspace.monkeypatch.setenv("MNIST_MIRROR", "mirror")
    count = count_writes(workspace, stage, files)
    for number, name in zip(range(count), itertools.cycle(ERRORS), strict=False):
        age(files)
        fault(workspace, stage, files, name, number)
        whole_or_old(before, files)
    assert_recovers(workspace, stage, before)
