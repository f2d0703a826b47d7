"""Check dvc.lock: print a verdict in one line, and exit with status 0 or 2.

    python -m verification.checks current        # no stage needs to run again
    python -m verification.checks reproducible   # a run from scratch gives the same hashes

Neither check implies the other. A dvc.lock that was written by hand can be up to date, and a
reproducible dvc.lock can still contain a stage that dvc.yaml no longer defines.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from softmax.analysis import staleness
from softmax.errors import SoftmaxError, exits_cleanly
from softmax.pipeline import datasets, dvc_lock, params


def reproducible() -> str:
    """Return the verdict. Raise SoftmaxError if dvc.lock is not reproducible.

    The stages run in a temporary copy of all tracked files, including uncommitted changes.
    """
    environment = _environment()
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary).resolve()
        _copy_tracked(directory, environment)
        for path in (directory / "metrics").iterdir():
            if path.name != ".gitignore":
                path.unlink()  # afterwards, a file that no stage writes is missing
        repro = [sys.executable, "-m", "dvc", "repro", "--force", "--no-run-cache"]
        if subprocess.run(repro, cwd=directory, env=environment, check=False).returncode:
            raise SoftmaxError("dvc.lock is not reproducible: a stage failed. Its error is above.")
        if different := list(_differences(directory, environment)):
            raise SoftmaxError(f"dvc.lock is not reproducible: {' '.join(different)}")
    return "dvc.lock is reproducible: a run from scratch gives the same dvc.lock and metrics"


def _copy_tracked(directory: Path, environment: dict[str, str]) -> None:
    """Copy tracked files, including uncommitted changes, to a new repository in `directory`."""
    for name in _git("ls-files", "-z", env=environment).split("\0"):
        if Path(name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, directory / name)
    _git("init", "--quiet", cwd=directory, env=environment)
    _git("add", "--all", "--force", cwd=directory, env=environment)


def _differences(directory: Path, environment: dict[str, str]) -> Iterator[str]:
    """Yield each difference between `directory`, in which all stages ran, and the original."""

    def listed(*options: str) -> list[str]:
        return _git("ls-files", *options, cwd=directory, env=environment).splitlines()

    missing = listed("--deleted")
    yield from (f"no stage writes {path}. Run `git rm {path}`." for path in missing)
    modified = listed("--modified", "--others", "--exclude-standard")
    if changed := [path for path in modified if path not in missing]:
        old, new = (dvc_lock.outputs(dvc_lock.load(place)) for place in (Path(), directory))
        different = [str(path) for path, md5 in new.items() if old.get(path) != md5]
        files = dict.fromkeys([*changed, *different])
        yield (
            f"a run from scratch gives different bytes in {', '.join(files)}. "
            f"Run `dvc repro --force --no-run-cache`, then commit dvc.lock and metrics."
        )


def _environment() -> dict[str, str]:
    """Return the environment for DVC: this Python first in PATH, local data (if any) as the mirror.

    It lacks MLFLOW_TRACKING_URI and git's repository variables, such as GIT_DIR.
    """
    environment = os.environ.copy()
    for name in ("MLFLOW_TRACKING_URI", *_git("rev-parse", "--local-env-vars").split()):
        environment.pop(name, None)
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    data = datasets.directory(params.load().download.dataset).absolute()
    if all((data / file).exists() for file in datasets.FILES):
        environment["MNIST_MIRROR"] = str(data)  # the caller's mirror may contain different data
    return environment


def _git(*command: str, **options: Any) -> str:
    """Return the output of git. Raise SoftmaxError with its error message if it fails."""
    done = subprocess.run(["git", *command], capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise SoftmaxError(f"git {command[0]}: {' '.join(done.stderr.split())}")
    return done.stdout.rstrip()


@exits_cleanly
def main() -> None:
    checks = {"current": staleness.current, "reproducible": reproducible}
    parser = argparse.ArgumentParser(prog="verification.checks")
    parser.add_argument("check", choices=checks)
    print(checks[parser.parse_args().check]())


if __name__ == "__main__":
    main()
