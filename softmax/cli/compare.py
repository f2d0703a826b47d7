"""Compare trained models, and write a report, for example for a pull request."""

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
WORKSPACE = "workspace"  # DVC's name for the files on disk


def run(base: str, heads: Sequence[str]) -> None:
    """Compare `base` with `heads`, write the report, and print it, in a terminal without charts."""
    names = [base, *(heads or [WORKSPACE])]
    before, *others = map(read, tqdm(names, desc="compare", leave=False, disable=None))
    if any(before.dataset() != other.dataset() for other in others):
        before, *others = map(_with_images, names, [before, *others])
    if len(others) == 1:
        report = comparison.markdown(before, *others)
        text = comparison.markdown(before, *others, charts=False)
        figures = comparison.weight_images(before, *others)
    else:
        report = text = comparison.overview(before, others)
        figures = {}
    files.write({REPORT: report.encode()} | {FIGURES / name: figures[name] for name in figures})
    if sys.stdout.isatty():
        show(text, max([before, *others], key=lambda model: model.metrics["test_accuracy"]).name)
        print(f"\nreport    {REPORT}" + (f"\nimages    {FIGURES}/" if figures else ""))
    else:
        print(report, end="")


def read(name: str) -> Results:
    """Return the results of a revision or, if they are up to date, of the workspace."""
    if name == WORKSPACE:
        staleness.current()
        return _read(f"`{WORKSPACE}`", Path())
    commit = revisions.find(Path(), name)
    title = f"`{name}` ({commit[:7]})" if not commit.startswith(name) else f"`{commit[:7]}`"
    with tempfile.TemporaryDirectory() as directory:
        revisions.check_out(Path(), commit, Path(directory), lambda _: trained_models.MODEL)
        return _read(title, Path(directory))


def _with_images(name: str, results: Results) -> Results:
    """Return `results` with the images of its data set, or with why they cannot be read."""
    try:
        if name == WORKSPACE:
            return results._replace(version=trained_models.version(Path()))
        with tempfile.TemporaryDirectory() as directory:  # mapped images stay readable without it
            commit = revisions.find(Path(), name)
            revisions.check_out(Path(), commit, Path(directory), trained_models.data_files)
            return results._replace(version=trained_models.version(Path(directory)))
    except DataError as error:
        return results._replace(missing=str(error).rstrip(".") + f". {error.remedy}".rstrip())


def _read(title: str, directory: Path) -> Results:
    """Return the results in `directory`, with MLflow's test accuracies for different seeds."""
    results = trained_models.read(title, directory)
    try:
        trained = TrainedModel(directory, dvc_lock.params(dvc_lock.load(directory)))
        return results._replace(by_seed=sweeps.accuracies(trained))
    except SoftmaxError as error:  # old params, or MLflow is not reachable
        problem = f"warning: could not read MLflow runs with different seeds: {shown(error)}"
        tqdm.write(problem, file=sys.stderr)
        return results
