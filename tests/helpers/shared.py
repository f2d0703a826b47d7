"""Build directories once for all processes of a test run."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).parents[2]
LECTURE = ROOT / "tests/lecture.yaml"
SHARED = "TESTS_SHARED"  # the variable that names the directory of what is built once
COMMITTER = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in {"NAME": "tests", "EMAIL": "tests@localhost"}.items()
}


def once(name: str, build: Callable[[Path], None]) -> Path:
    """Return the directory that `build` fills, once for all processes that run tests."""
    directory = Path(os.environ[SHARED]) / name
    with FileLock(f"{directory}.lock"):
        if not (done := directory.with_suffix(".done")).exists():
            shutil.rmtree(directory, ignore_errors=True)  # a build that failed
            directory.mkdir()
            build(directory)
            done.touch()
    return directory
