"""Log models to MLflow from their outputs on disk or in DVC's cache."""

import sys
import tempfile
from pathlib import Path

from tqdm import tqdm

from softmax.analysis.trained_models import TrainedModel
from softmax.errors import DataError
from softmax.pipeline import dvc_lock, files, paths
from softmax.tracking import recording
from softmax.tracking.recording import Origin


def run(*, history: bool) -> None:
    """Log the model in the workspace or, with `history`, every model in DVC's cache."""
    if not history:
        track(Path())
        return
    from softmax.analysis import revisions  # imports DVC, which takes a second

    found = sorted(revisions.of_models(Path()), key=lambda revision: revision.time)
    for revision in tqdm(found, desc="track", disable=None):
        tags = {"mlflow.source.git.commit": revision.commit, "git.dirty": "false"}
        if revision.experiment:
            tags["DVC_EXP_NAME"] = revision.experiment
        with tempfile.TemporaryDirectory() as directory:
            try:
                revisions.check_out(Path(), revision.commit, Path(directory), dvc_lock.shown)
                track(Path(directory), Origin(revision.time, tags))
            except DataError as error:
                place = f"commit {revision.commit[:7]}: "
                problem = place + str(error).removeprefix(place).partition(". ")[0]
                tqdm.write(f"track: skipped {problem}", file=sys.stderr)


def track(directory: Path, origin: Origin | None = None) -> None:
    """Create or complete the run of the model; raise DataError if its outputs are incomplete."""
    stages = dvc_lock.load(directory)
    weights = directory / paths.WEIGHTS
    locked = dvc_lock.outputs(stages, "train").get(paths.WEIGHTS)
    if not weights.exists() or files.md5(weights) != locked:
        raise DataError(f"{paths.WEIGHTS}: differs from dvc.lock. Run `dvc repro`.")
    for path in dvc_lock.outputs(stages, "train"):
        if not (directory / path).exists():
            raise DataError(f"{path}: missing. Run `dvc checkout` or `dvc repro`.")
    trained = TrainedModel(directory, dvc_lock.params(stages))
    run = recording.backfill(trained, origin)
    shown = ", ".join(name for name in dvc_lock.SHOWN if name in trained.locked())
    tqdm.write(f"track: run {run.info.run_id} contains the results of {shown}: {run.info.run_name}")
