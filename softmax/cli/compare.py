"""Compare models: write a report, such as for a pull request."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from softmax.analysis import comparison, revisions, staleness, trained_models
from softmax.analysis.trained_models import Results, TrainedModel
from softmax.cli.app import show
from softmax.errors import DataError, SoftmaxError, shown
from softmax.pipeline import dvc_lock, files
from softmax.tracking import sweeps

REPORT = Path("report/compare.md")
FIGURES = Path("report/compare")
WORKSPACE = "workspace"  # as DVC calls it


def run(base: str, heads: Sequence[str]) -> None:
    """Write the report and its images, and print the report, in a terminal without its charts."""
    names = [base, *(heads or [WORKSPACE])]
    before, *others = map(read, tqdm(names, desc="compare", leave=False, disable=None))
    if any(before.dataset() != other.dataset() for other in others):
        before, *others = map(_with_images, names, [before, *others])
    if len(others) == 1:
        page = comparison.markdown(before, *others)
        shown = comparison.markdown(before, *others, charts=False)
        pictures = comparison.pictures(before, *others)
    else:
        page = shown = comparison.overview(before, others)
        pictures = {}
    files.write({REPORT: page.encode()} | {FIGURES / name: pictures[name] for name in pictures})
    if sys.stdout.isatty():
        show(shown, max([before, *others], key=lambda model: model.metrics["test_accuracy"]).name)
        print(f"\nreport    {REPORT}" + (f"\nimages    {FIGURES}/" if pictures else ""))
    else:
        print(page, end="")


def read(name: str) -> Results:
    """Return the results of the revision `name`, or of the workspace unless they are stale."""
    if name == WORKSPACE:
        staleness.current()
        return _read(f"`{WORKSPACE}`", Path())
    commit = revisions.find(Path(), name)
    title = f"`{name}` ({commit[:7]})" if not commit.startswith(name) else f"`{commit[:7]}`"
    with tempfile.TemporaryDirectory() as directory:
        revisions.check_out(Path(), commit, Path(directory), lambda _: trained_models.MODEL)
        return _read(title, Path(directory))


def _with_images(name: str, results: Results) -> Results:
    """Add the images of the data set, or why they cannot be read."""
    try:
        if name == WORKSPACE:
            return results._replace(version=trained_models.version(Path()))
        with tempfile.TemporaryDirectory() as directory:  # mapped files outlive their names
            commit = revisions.find(Path(), name)
            revisions.check_out(Path(), commit, Path(directory), trained_models.data_files)
            return results._replace(version=trained_models.version(Path(directory)))
    except DataError as error:
        return results._replace(missing=str(error).rstrip(".") + f". {error.remedy}".rstrip())


def _read(title: str, directory: Path) -> Results:
    """Return the results in `directory`, with the accuracies in MLflow of runs with other seeds."""
    results = trained_models.read(title, directory)
    try:
        trained = TrainedModel(directory, dvc_lock.params(dvc_lock.load(directory)))
        return results._replace(by_seed=sweeps.accuracies(trained))
    except SoftmaxError as error:  # params of another version, or no store
        problem = f"compare: could not read runs with other seeds: {shown(error)}"
        tqdm.write(problem, file=sys.stderr)
        return results
