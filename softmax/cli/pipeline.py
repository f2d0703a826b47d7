"""Run the stages with DVC and print the result, and rebuild dvc.lock during a merge."""

import json
import sys
from collections.abc import Sequence
from itertools import pairwise

import git
import pandas as pd
from dvc.cli import main as dvc
from dvc.repo import Repo

from softmax.errors import SoftmaxError
from softmax.pipeline import dvc_lock, params, paths

LECTURE = " (the lecture: 84.77%)"
NEXT = """
weights   images/weights/grid/
figures   images/samples/
report    report/index.html
runs      python -m softmax ui
next      dvc exp run -S train.learning_rate=0.01"""


def run(*, pull: bool) -> None:
    """Run the stages that are out of date, then print the result and where to look next."""
    if dvc_lock.PATH.exists():
        dvc_lock.load()  # unlike DVC, names the remedy if the file is invalid
    _repro(pull=pull)
    test = json.loads(paths.TEST_METRICS.read_bytes())
    lecture = LECTURE if params.load().download.dataset == "mnist" else ""
    more = suggestion(pd.read_csv(paths.EPOCHS)["train_loss"].tolist())
    print(
        f"\n{test['accuracy']:.2%} of {test['total']:,} test images correct{lecture}{more}\n{NEXT}"
    )


def suggestion(losses: Sequence[float]) -> str:
    """Return advice if training ended too early, judged by the loss after each epoch, else "".

    Near convergence, each epoch lowers the loss less than the epoch before. Training is far from it
    if, after the first epoch, no epoch lowered the loss twice as much as another one.
    """
    falls = [before - after for before, after in pairwise(losses)]
    if len(falls) < 2 or max(falls) >= 2 * min(falls):  # two epochs are too few to tell
        return ""
    return (
        f"\nThe training loss fell from {losses[-2]:.4g} to {losses[-1]:.4g} in the last epoch, "
        "about as much as in earlier epochs. "
        "More train.epochs or a larger train.learning_rate may help."
    )


def resolve(*, pull: bool) -> None:
    """Rebuild dvc.lock and metrics; raise SoftmaxError if other files still have conflicts."""
    repository = git.Repo()
    unmerged = repository.git.diff("--name-only", "--diff-filter=U").splitlines()
    made = (str(dvc_lock.PATH), "metrics/")
    if others := [path for path in unmerged if not path.startswith(made)]:
        raise SoftmaxError(
            f"{', '.join(others)}: unresolved conflicts. Resolve them, `git add` the files, and "
            "run `python -m softmax resolve` again."
        )
    repository.git.checkout("HEAD", "--", *made)
    _repro(pull=pull)
    repository.git.add(*made)
    print("resolve: dvc.lock and metrics match the merged params and code. Run `git commit`.")


def _repro(*, pull: bool) -> None:
    Repo().close()  # without git, raises an error that names the remedy
    if status := dvc(["repro", *(["--pull"] if pull else [])]):
        sys.exit(status)
