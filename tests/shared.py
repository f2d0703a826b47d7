"""What the processes of a test run share: folders that are built once, and commands as forks."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import forkserver
from filelock import FileLock

ROOT = Path(__file__).parents[1]
LECTURE = ROOT / "tests/lecture.yaml"
SHARED = "TESTS_SHARED"  # the variable that names the folder of what is built once


def once(name: str, build: Callable[[Path], None]) -> Path:
    """The folder that `build` fills, once for all processes that run tests."""
    folder = Path(os.environ[SHARED]) / name
    with FileLock(f"{folder}.lock"):
        if not (done := folder.with_suffix(".done")).exists():
            shutil.rmtree(folder, ignore_errors=True)  # where it failed before
            folder.mkdir()
            build(folder)
            done.touch()
    return folder


def forking() -> dict[str, str]:
    """The environment in which `python` and its programs are forks."""
    forks = once("forkserver", fork_commands)
    return {
        **{key: value for key, value in os.environ.items() if key != forkserver.NO_BYTECODE},
        forkserver.SOCKETS: str(forks),
        "PATH": os.pathsep.join([str(forks / "bin"), os.environ["PATH"]]),
    }


def fork_commands(folder: Path) -> None:
    """Start the process whose forks run the commands of clones."""
    forkserver.install(folder)
    process = forkserver.start(folder)
    (folder / "pid").write_text(str(process.pid))
    while not all((folder / name).exists() for name in forkserver.LIBRARIES):
        time.sleep(0.01)
