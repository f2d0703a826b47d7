"""Test that outputs are complete, old or new, if a write of a stage fails or is killed."""

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

OLD = b"an old output"
ERRORS = itertools.cycle([errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES])
OTHERS = [pytest.param(k, marks=pytest.mark.extended) for k in STAGES if k != "evaluate"]


class Killed(BaseException):
    """Emulate SIGKILL, after which the process writes nothing more."""


def write_old_outputs(stage: str) -> list[Path]:
    """Replace the content of each output of `stage` by OLD, and return the paths of the files."""
    outputs = dvc_lock.outputs(dvc_lock.load(), stage)
    found = [file for path in outputs for file in (path, *path.rglob("*")) if file.is_file()]
    for path in found:
        path.unlink()
        path.write_bytes(OLD)
    return found


def run(workspace: Workspace, stage: str, files: list[Path], hook: Callable[[int], None]) -> str:
    """Run `stage` and return its stderr.

    Call hook(0), hook(1), ... in the middle of each write of an output and before each rename.
    """
    write, rename, numbers = Path.write_bytes, Path.replace, itertools.count()

    def write_bytes(path: Path, content: bytes) -> int:
        if path.with_name(path.name.removesuffix(".partial")) in files:
            write(path, content[: len(content) // 2])
            hook(next(numbers))
        return write(path, content)

    def replace(path: Path, target: Path) -> Path:
        if target in files:
            hook(next(numbers))
        return rename(path, target)

    with workspace.monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write_bytes)
        patch.setattr(Path, "replace", replace)
        return workspace.stage(stage).err


def fail(error: BaseException, number: int, now: int) -> None:
    """Raise `error` in write `number` and in all later writes."""
    if now >= number:
        raise error


def count_new(before: dict[str, bytes], files: list[Path]) -> int:
    """Return how many of `files` are new, and assert that each is new or still OLD."""
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
    """Expect complete files at any moment, and no partial file once the stage has run again."""
    shutil.copytree("data/digits", "mirror")  # for `download`, whose outputs become OLD
    workspace.monkeypatch.setenv("MNIST_MIRROR", "mirror")
    before, files, seen = workspace.contents(), write_old_outputs(stage), list[int]()
    run(workspace, stage, files, lambda _: seen.append(count_new(before, files)))
    assert seen == [0] * len(files) + [*range(len(files))]
    record_property("cases", len(seen))
    for number in range(len(seen)):
        write_old_outputs(stage)
        if fault == "a kill":
            with workspace.monkeypatch.context() as patch:
                patch.setattr(
                    Path, "unlink", lambda *_, **__: None
                )  # a killed process removes none
                with pytest.raises(Killed):
                    run(workspace, stage, files, partial(fail, Killed(), number))
        else:
            error = OSError(code := next(ERRORS), os.strerror(code))
            output = run(workspace, stage, files, partial(fail, error, number))
            assert os.strerror(code) in output
            assert any(str(file) in output for file in files)  # the OSError itself names no file
            assert not [*Path().rglob("*.partial")]
        assert count_new(before, files) == seen[number]
    assert workspace.stage(stage).status == 0
    assert workspace.contents() == before
    assert not [*Path().rglob("*.partial")]
