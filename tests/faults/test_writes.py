"""A disk that takes no more, or SIGKILL, at each write of a stage: every output is whole."""

import errno
import itertools
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from helpers.workspace import STAGES, Workspace

from softmax.pipeline import dvc_lock

OLD = b"what was here before"
ERRORS = itertools.cycle([errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES])
OTHERS = [pytest.param(k, marks=pytest.mark.extended) for k in STAGES if k != "evaluate"]


class Killed(BaseException):
    """Stands for SIGKILL: what began to write does nothing more."""


def aged_outputs(stage: str) -> list[Path]:
    """Return the files that the stage writes, each replaced by an old one."""
    made = dvc_lock.outputs(dvc_lock.load(), stage)
    found = [file for path in made for file in (path, *path.rglob("*")) if file.is_file()]
    for path in found:
        path.unlink()
        path.write_bytes(OLD)
    return found


def run(workspace: Workspace, stage: str, files: list[Path], meet: Callable[[int], None]) -> str:
    """Run the stage; call `meet` with 0, 1, ... in each write of an output, then before its name.

    Return its errors.
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
        return workspace.stage(stage).err


def fail(error: BaseException, number: int, now: int) -> None:
    """Raise this error at this write and at all after it."""
    if now >= number:
        raise error


def whole_or_old(before: dict[str, bytes], files: list[Path]) -> int:
    """Assert that all files of the workspace but `files` are whole; return how many are whole."""
    found = {path: Path(path).read_bytes() for path in before}
    for path, content in before.items():
        allowed = (content, OLD) if Path(path) in files else (content,)
        assert found[path] in allowed, path
    return sum(found[str(path)] != OLD for path in files)


@pytest.mark.parametrize("fault", ["an error", "a kill"])
@pytest.mark.parametrize("stage", ["evaluate", *OTHERS])
def test_outputs_are_complete_and_appear_only_once_all_are_written(
    stage: str,
    fault: str,
    workspace: Workspace,
    record_property: Callable[[str, object], None],
) -> None:
    """Whoever looks at any moment sees a whole file; the stage, run again, leaves no part."""
    shutil.copytree("data/digits", "mirror")  # for `download`, whose own files are aged
    workspace.monkeypatch.setenv("MNIST_MIRROR", "mirror")
    before, files, seen = workspace.contents(), aged_outputs(stage), list[int]()
    run(workspace, stage, files, lambda _: seen.append(whole_or_old(before, files)))
    assert seen == [0] * len(files) + [*range(len(files))]
    record_property("cases", len(seen))
    for number in range(len(seen)):
        aged_outputs(stage)
        if fault == "a kill":
            with workspace.monkeypatch.context() as patch:
                patch.setattr(Path, "unlink", lambda *_, **__: None)  # it cleans nothing up
                with pytest.raises(Killed):
                    run(workspace, stage, files, partial(fail, Killed(), number))
        else:
            error = OSError(code := next(ERRORS), os.strerror(code))
            said = run(workspace, stage, files, partial(fail, error, number))
            assert os.strerror(code) in said
            assert any(str(file) in said for file in files)  # which the system does not name
            assert not [*Path().rglob("*.partial")]
        assert whole_or_old(before, files) == seen[number]
    assert workspace.stage(stage).status == 0
    assert workspace.contents() == before
    assert not [*Path().rglob("*.partial")]
