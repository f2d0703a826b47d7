"""How long are the commands of every day from the shell, and without tracking?

Clones of this commit and of the same without tracking take turns, on MNIST in this environment. The
parts of a run that start before its end and end after it, as a recorder does, use
the same processors.
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

TURNS = 5
SWEEP = (
    "train.learning_rate=0.001,0.003,0.01,0.03 train.optimizer=sgd,momentum,nesterov,adam "
    "train.weight_decay=0,0.0001 train.averaging=0,0.99 train.validation=10000"
)
FORCED = "dvc repro --force --no-run-cache"
COMMANDS = {
    "dvc exp run -S train.learning_rate=…": "dvc exp run -S train.learning_rate={rate}",
    FORCED: FORCED,
    "dvc repro, nothing to do": "dvc repro",
    "softmax sweep, 64 settings": f"python -m softmax sweep {SWEEP}",
}
UNTRACKED = "\nRecorder.__init__ = Recorder.log = lambda *_, **__: None\n"


def run(command: str, clone: Path, rates: Iterator[int]) -> None:
    """Run a command in a clone, a sweep without its cache and with a store of its own."""
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
    """Return a table in Markdown: median seconds."""
    rates = count(1)
    with tempfile.TemporaryDirectory() as directory:
        tracked, untracked = Path(directory) / "tracked", Path(directory) / "untracked"
        for clone in (tracked, untracked):
            subprocess.run(["git", "clone", "--quiet", ".", clone], check=True)
        with (untracked / "softmax/pipeline/recorder.py").open("a") as recorder:
            recorder.write(UNTRACKED)
        ways = {name: partial(run, command, tracked, rates) for name, command in COMMANDS.items()}
        ways[f"{FORCED}, without tracking"] = partial(run, FORCED, untracked, rates)
        for way in ways.values():  # which compiles, and fills stores and caches
            way()
        seconds, _ = in_turns(ways, TURNS, "shell")
    rows = [(name, statistics.median(values)) for name, values in seconds.items()]
    return tabulate(rows, ["from the shell", "seconds"], tablefmt="github", floatfmt=".2f")
