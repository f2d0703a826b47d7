"""What is in a clone after a command: the same outputs, no rests of files, no processes."""

import hashlib
import json
import time
from contextlib import suppress
from pathlib import Path
from subprocess import CompletedProcess

import psutil
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

OUTPUTS = ("data", "images", "metrics", "models", "report")
ALONE = ("params.valid",)
PATIENCE = 20  # seconds for what is to end by itself


def contents(folder: Path) -> dict[str, str]:
    """The SHA-256 of each output, and of what dvc.lock says, in whatever order of stages."""
    files = [folder / name for name in ALONE]
    files += [path for name in OUTPUTS for path in (folder / name).rglob("*")]
    return {"dvc.lock": order_free(folder / "dvc.lock")} | {
        str(path.relative_to(folder)): digest(path.read_bytes())
        for path in files
        if path.is_file() and path.suffix != ".partial"
    }


def order_free(lock: Path) -> str:
    """The SHA-256 of what a dvc.lock says; of its bytes where that is nothing."""
    content = lock.read_bytes() if lock.exists() else b""
    with suppress(YAMLError):
        content = json.dumps(YAML(typ="safe").load(content), sort_keys=True).encode()
    return digest(content)


def digest(content: bytes) -> str:
    """The SHA-256 of `content`."""
    return hashlib.sha256(content).hexdigest()


def rests(folder: Path) -> list[Path]:
    """Files that a stage began and did not end."""
    return list(folder.rglob("*.partial"))


def processes(folder: Path) -> list[psutil.Process]:
    """All that run in `folder`."""
    found = []
    for process in psutil.process_iter():
        try:
            place = Path(process.cwd())
        except (psutil.Error, OSError):  # it has ended, or is another user's
            continue
        if place.is_relative_to(folder) and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def wait_for_the_end(folder: Path) -> None:
    """Return when nothing runs in `folder`; AssertionError if something does not end."""
    end = time.monotonic() + PATIENCE
    while running := processes(folder):
        assert time.monotonic() < end, [process.cmdline() for process in running]
        time.sleep(0.02)


def assert_told(done: "CompletedProcess[str]", *allowed: int) -> None:
    """That a command ended as people may see it: a status that is `allowed`, and no traceback."""
    said = f"{done.args} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    assert done.returncode in allowed, said
    assert "Traceback" not in done.stdout + done.stderr, said
