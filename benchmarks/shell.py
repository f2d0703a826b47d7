"""Measure everyday commands from the shell, in this commit and in the earlier commit BEFORE.

In BEFORE, each stage imported MLflow and pandas itself. Three clones take turns on MNIST: BEFORE,
this commit, and this commit without tracking. A recorder may still run during the next command.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path

from tabulate import tabulate

from benchmarks.shared import in_turns
from softmax.pipeline import datasets

BEFORE = "4f77819"
TURNS = 5
SWEEP = (
    "train.learning_rate=0.001,0.003,0.01,0.03",
    "train.optimizer=sgd,momentum,nesterov,adam",
    *("train.weight_decay=0,0.0001", "train.averaging=0,0.99", "train.validation=10000"),
)
COMMANDS = {
    "dvc exp run -S train.learning_rate=…": "dvc exp run -S train.learning_rate={rate}",
    "dvc repro --force --no-run-cache": "dvc repro --force --no-run-cache",
    "dvc repro, nothing to do": "dvc repro",
    "softmax sweep, 64 configurations": f"python -m softmax sweep {' '.join(SWEEP)}",
}
SWEEP_BEFORE = f"python -m tools.sweep {' '.join(f'-S {override}' for override in SWEEP)}"
UNTRACKED = "\nRecorder.__init__ = Recorder.log = lambda *_, **__: None\n"


def run(command: str, clone: Path, rates: Iterator[int]) -> None:
    """Run a command in a clone. A sweep runs without cached models and in a new MLflow store."""
    shutil.rmtree(clone / ".dvc/tmp/sweep", ignore_errors=True)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "MNIST_MIRROR": str(datasets.directory("mnist").absolute()),
        "MLFLOW_TRACKING_URI": f"sqlite:///{next(rates)}.db" if "sweep" in command else "",
    }
    shell = command.format(rate=f"0.001{next(rates):03}")
    subprocess.run(shell, shell=True, cwd=clone, env=environment, check=True, capture_output=True)  # noqa: S602


def report() -> str:
    """Return a Markdown table of median seconds, their ratios, and the time that tracking adds."""
    rates = count(1)
    with tempfile.TemporaryDirectory() as directory:
        before, now, untracked = (Path(directory) / name for name in ("before", "now", "untracked"))
        for clone in (before, now, untracked):
            subprocess.run(["git", "clone", "--quiet", ".", clone], check=True)
        subprocess.run(["git", "checkout", "--quiet", BEFORE], cwd=before, check=True)
        with (untracked / "softmax/pipeline/recorder.py").open("a") as recorder:
            recorder.write(UNTRACKED)
        calls = {}
        for name, command in COMMANDS.items():
            calls[name, "before"] = partial(
                run, SWEEP_BEFORE if "sweep" in command else command, before, rates
            )
            calls[name, "now"] = partial(run, command, now, rates)
        forced = list(COMMANDS)[1]
        calls[forced, "untracked"] = partial(run, COMMANDS[forced], untracked, rates)
        for call in calls.values():  # the first call also compiles, and fills stores and caches
            call()
        seconds, _ = in_turns(calls, TURNS, "shell")
    median = {key: statistics.median(values) for key, values in seconds.items()}
    rows: list[tuple[str, float | None, float, float | None]] = []
    for name in COMMANDS:
        old, new = median[name, "before"], median[name, "now"]
        rows.append((name, old, new, new / old))
    added = median[forced, "now"] - median[forced, "untracked"]
    rows.append((f"added by tracking to {forced}", None, added, None))
    head = ["command", f"at {BEFORE} [s]", "now [s]", "ratio"]
    return tabulate(rows, head, tablefmt="github", floatfmt=".2f")
