"""Run the pipeline, and end with the answer.

python -m tools.repro --pull    # the options are those of `dvc repro`
"""

import json
import logging
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from dvc.cli import main as dvc
from dvc.lock import LockError, make_lock

from softmax.errors import DataError, exits_cleanly
from softmax.pipeline import params, paths
from softmax.provenance import lock

RUNS = "Running stage '%s':"  # as DVC says
NOTES = Path(".dvc/tmp/rwlock")  # in which DVC notes what it reads and writes
GUARDS = ("lock", "rwlock.lock")  # held by a DVC that writes dvc.lock, or its notes
LECTURE = " (the lecture: 84.77%)"


class Runs(logging.Handler):
    """Notes the stages of which DVC says that it runs them."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note the stage of which `record` speaks, if any."""
        if record.msg == RUNS and isinstance(record.args, tuple):
            self.names.append(str(record.args[0]))


def mend() -> None:
    """Put right what DVC writes in place, where a kill tore it: its notes, and dvc.lock.

    DVC would not read them again. What DVC makes of the last dvc.lock in git is the same as of a
    later one. One with the marks of a merge is left to its people.
    """
    if not NOTES.parent.exists():
        return
    guards = [make_lock(str(NOTES.with_name(name)), str(NOTES.parent)) for name in GUARDS]
    with suppress(LockError), guards[0], guards[1]:  # else another DVC is writing
        try:
            json.loads(NOTES.read_bytes() if NOTES.exists() else "{}")
        except ValueError:
            NOTES.unlink()
        if lock.PATH.exists() and b"<<<<<<<" not in (content := lock.PATH.read_bytes()):
            try:
                lock.parse(content)
            except DataError:
                print(f"repro: {lock.PATH} was torn; it is taken from git", file=sys.stderr)
                subprocess.run(["git", "checkout", "HEAD", "--", lock.PATH], check=False)


@exits_cleanly
def main() -> None:
    """Let DVC run what is stale, then say what came of it, and where to look next."""
    mend()
    runs = Runs()
    logging.getLogger("dvc").addHandler(runs)
    if status := dvc(["repro", *sys.argv[1:]]):
        sys.exit(status)
    test = json.loads(paths.TEST_METRICS.read_bytes())
    there = [name for name in lock.load() if name not in runs.names]
    dataset = params.load().download.dataset
    activate = "" if "VIRTUAL_ENV" in os.environ else ". .venv/bin/activate; "
    print(
        f"\n{test['accuracy']:.2%} of {test['total']:,} test images right"
        f"{LECTURE if dataset == 'mnist' else ''}\n"
    )
    for title, text in {
        "ran": ", ".join(runs.names) or "nothing",
        "already there": ", ".join(there) or "nothing",
        "weights as images": "images/weights/grid/",
        "sample cards": "images/samples/",
        "all, explained": "report/index.html",
        "runs in MLflow": "make ui",
        "an experiment": f"{activate}dvc exp run -S train.learning_rate=0.01",
    }.items():
        print(f"{title:19}{text}")


if __name__ == "__main__":
    main()
