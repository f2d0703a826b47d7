"""Check dvc.lock in two ways, each with a verdict in one line and an exit status.

    python -m verification.checks current        # no stage is stale against params, code and data
    python -m verification.checks reproducible   # all stages, run from scratch, give its bytes

Neither implies the other. A dvc.lock that somebody wrote by hand can be up to date, and a dvc.lock
can be reproducible although a stage imports a module that dvc.yaml does not name.
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
    """Return the verdict; SoftmaxError if dvc.lock is not reproducible.

    The stages run in a temporary directory, on tracked files as they are here, committed or not.
    """
    environment = _environment()
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary).resolve()
        _copy_tracked(directory, environment)
        for path in (directory / "metrics").iterdir():
            if path.name != ".gitignore":
                path.unlink()  # so a file that no stage makes is missing afterwards
        repro = [sys.executable, "-m", "dvc", "repro", "--force", "--no-run-cache"]
        if subprocess.run(repro, cwd=directory, env=environment, check=False).returncode:
            raise SoftmaxError(
                "dvc.lock is not reproducible: a stage failed from scratch. Its error is above."
            )
        if different := list(_differences(directory, environment)):
            raise SoftmaxError(f"dvc.lock is not reproducible: {' '.join(different)}")
    return "dvc.lock is reproducible: from scratch, all stages give its bytes and those of metrics"


def _copy_tracked(directory: Path, environment: dict[str, str]) -> None:
    """Copy tracked files, with uncommitted changes, to a new repository in `directory`."""
    for name in _git("ls-files", "-z", env=environment).split("\0"):
        if Path(name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, directory / name)
    _git("init", "--quiet", cwd=directory, env=environment)
    _git("add", "--all", "--force", cwd=directory, env=environment)


def _differences(directory: Path, environment: dict[str, str]) -> Iterator[str]:
    """Yield the differences in `directory` after all stages ran, each with its remedy."""

    def listed(*options: str) -> list[str]:
        return _git("ls-files", *options, cwd=directory, env=environment).splitlines()

    gone = listed("--deleted")
    yield from (f"no stage makes {path}. Run `git rm {path}`." for path in gone)
    seen = listed("--modified", "--others", "--exclude-standard")
    if changed := [path for path in seen if path not in gone]:
        here, there = (dvc_lock.outputs(dvc_lock.load(one)) for one in (Path(), directory))
        other = [str(path) for path, md5 in there.items() if here.get(path) != md5]
        files = dict.fromkeys([*changed, *other])
        yield (
            f"from scratch, the stages give different bytes in {', '.join(files)}. "
            f"Run `dvc repro --force --no-run-cache`, then commit dvc.lock and metrics."
        )


def _environment() -> dict[str, str]:
    """Return an environment with the local data as mirror, without MLflow's and git's variables."""
    environment = os.environ.copy()
    for name in ("MLFLOW_TRACKING_URI", *_git("rev-parse", "--local-env-vars").split()):
        environment.pop(name, None)
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    data = datasets.directory(params.load().download.dataset).absolute()
    if all((data / file).exists() for file in datasets.FILES):
        environment["MNIST_MIRROR"] = str(data)  # the caller's may hold a different data set
    return environment


def _git(*command: str, **options: Any) -> str:
    """Return what git prints; SoftmaxError with its error message."""
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
