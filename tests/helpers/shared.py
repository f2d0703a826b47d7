"""Build directories once for all processes of a test run."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).parents[2]
LECTURE = ROOT / "tests/lecture.yaml"
SHARED = "TESTS_SHARED"  # the variable that names the directory of shared builds
COMMITTER = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in {"NAME": "tests", "EMAIL": "tests@localhost"}.items()
}


def once(name: str, build: Callable[[Path], None]) -> Path:
    """Return a directory that `build` fills once for all processes of the test run."""
    directory = Path(os.environ[SHARED]) / name
    with FileLock(f"{directory}.lock"):
        if not (done := directory.with_suffix(".done")).exists():
            shutil.rmtree(directory, ignore_errors=True)  # left by a failed build
            directory.mkdir()
            build(directory)
            done.touch()
    return directory
