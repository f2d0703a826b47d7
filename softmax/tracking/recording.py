"""Log results to MLflow: one run for each trained model.

A stage writes its facts first and then replays them from disk, in batches. The run is found by the
SHA-256 of the weights, so that no file holds a run id: where there is no such run, because the
weights came out of DVC's cache or the store is another one, it is made from the facts. A run that
broke off is completed. Tracking never fails a stage: it warns in one line, and
`softmax track` logs what is missing.
"""

import getpass
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Any, NamedTuple

import git
from tqdm import tqdm

from softmax.analysis.trained_models import TrainedModel
from softmax.pipeline import files, paths, recorder
from softmax.pipeline.params import Params
from softmax.tracking import registry, store, sync
from softmax.tracking.registry import WEIGHTS_TAG, find_model
from softmax.tracking.store import Client, Run

MADE = (":(top,exclude)dvc.lock", ":(top,exclude)metrics")  # what the pipeline itself writes
RESULTS = {"evaluate": sync.evaluation, "export": sync.images, "report": sync.report}
DOWNLOADS, LESSONS = "downloads", "softmax-lesson"  # the experiments of these stages


class Origin(NamedTuple):
    """When a model was trained, and the tags that say where and from which code."""

    started: float  # as by time.time()
    tags: Mapping[str, str]


def log_download(
    client: Client, config: Params, *, source: str, started: float, ended: float
) -> None:
    """Add a run that says which source gave the data; times as by time.time()."""
    tags = {"mlflow.source.name": "stages.download", "source": source, **circumstances()}
    run = _create_run(client, DOWNLOADS, config.download.dataset, Origin(started, tags))
    client.set_terminated(run.info.run_id, end_time=_milliseconds(ended))


def log_training(
    client: Client, config: Params, *, started: float, ended: float, **details: object
) -> None:
    """Add a run for the training that has just written its facts; times as by time.time().

    `details`, device and workers, become tags.
    """
    trained = TrainedModel(Path(), config)
    tags = {**{key: str(value) for key, value in details.items()}, **circumstances()}
    run = _create_model_run(client, trained, Origin(started, tags))
    _add_training(client, run, trained, _milliseconds(ended))
    _replay_locked(client, run, trained)


def _add_training(client: Client, run: Run, trained: TrainedModel, end: int) -> None:
    """Complete a run, which ended at `end` (ms), and print what became of its model."""
    sync.training(client, run, trained)
    tqdm.write(f"registry: {registry.register(client, run, trained)}")  # above any bar
    client.set_terminated(run.info.run_id, end_time=end)


def _log_results(add: Callable[..., None], client: Client, config: Params) -> None:
    """Add what a later stage has written to the run of the weights on disk."""
    trained = TrainedModel(Path(), config)
    add(client, _run_of(client, trained), trained)


def log_lesson(client: Client, config: Params, *, started: float, ended: float) -> None:
    """Add a run for the lesson that has just written its facts; times as by time.time()."""
    sha256 = files.sha256(paths.LESSON_WEIGHTS)
    tags = {"mlflow.source.name": "stages.lesson", WEIGHTS_TAG: sha256, **circumstances()}
    hyperparameters = f"lr={config.lesson.learning_rate:g} e={config.lesson.epochs}"
    run = _create_run(client, LESSONS, hyperparameters, Origin(started, tags))
    sync.lesson(client, run, config)
    client.set_terminated(run.info.run_id, end_time=_milliseconds(ended))


def backfill(trained: TrainedModel, origin: Origin | None = None) -> Run:
    """Complete the run of a model from what dvc.lock has of it, making it if there is none.

    Raises TrackingError if MLflow cannot be reached or a fact is missing.
    """
    with store.clear_errors():
        client = store.connect()
        run = _run_of(client, trained, origin)
        _replay_locked(client, run, trained)
        return client.get_run(run.info.run_id)


def _run_of(client: Client, trained: TrainedModel, origin: Origin | None = None) -> Run:
    """The newest run of the weights with all that training left, made if there is none.

    A run that was scored on another test set keeps its score.
    """
    runs = client.search_runs(
        [store.experiment(client, store.experiment_name(trained.config))],
        f"tags.`{WEIGHTS_TAG}` = '{trained.sha256()}'",
        order_by=["attributes.start_time DESC"],
    )
    run = next((run for run in runs if sync.is_comparable(run, trained)), None)
    if run is None:
        started, tags = origin or Origin(time.time(), circumstances())
        run = _create_model_run(client, trained, Origin(started, {**tags, "backfilled": "true"}))
    if run.info.status != "FINISHED" or find_model(client, run) is None:  # or it was deleted
        _add_training(client, run, trained, run.info.start_time)
    return run


def _replay_locked(client: Client, run: Run, trained: TrainedModel) -> None:
    """Add what dvc.lock has of these weights. DVC may not run those stages again."""
    locked = trained.locked()
    for stage, add in RESULTS.items():
        if stage in locked:
            add(client, run, trained)


def _create_model_run(client: Client, trained: TrainedModel, origin: Origin) -> Run:
    tags = {"mlflow.source.name": "stages.train", WEIGHTS_TAG: trained.sha256(), **origin.tags}
    name = store.experiment_name(trained.config)
    return _create_run(client, name, trained.hyperparameters(), Origin(origin.started, tags))


def _create_run(client: Client, experiment: str, name: str, origin: Origin) -> Run:
    experiment_id = store.experiment(client, experiment)
    return client.create_run(experiment_id, _milliseconds(origin.started), origin.tags, name)


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def circumstances() -> dict[str, str]:
    """Who, the commit that is checked out, whether what was run differs from it, DVC's names."""
    tags = {key: os.environ[key] for key in ("DVC_STAGE", "DVC_EXP_NAME") if key in os.environ}
    with suppress(KeyError, OSError):  # a user without a name, in a container
        tags["mlflow.user"] = getpass.getuser()
    try:
        # where DVC runs an experiment in a copy, that has its own
        repository = git.Repo(search_parent_directories=True)
        commit = repository.head.commit.hexsha
        changed = repository.git.diff("HEAD", "--name-only", "--", ".", *MADE)
    except (git.GitError, ValueError):  # no repository, or one without a commit
        return tags
    return {**tags, "mlflow.source.git.commit": commit, "git.dirty": str(bool(changed)).lower()}


LIMIT = 8  # seconds for all requests of a stage; opening a store has limits of its own
STAGES: dict[str, Callable[..., None]] = {
    "download": log_download,
    "train": log_training,
    **{stage: partial(_log_results, add) for stage, add in RESULTS.items()},
    "lesson": log_lesson,
}


def make_ready(stage: str) -> Callable[..., None]:
    """Do what takes long, before there is something to log, and return what logs it.

    That takes the settings, and the details that the function of STAGES has.
    """
    client = store.connect()

    def log(config: Params, **details: Any) -> None:
        _clock(stage)
        STAGES[stage](client, config, **details)

    return log


def _clock(stage: str) -> None:
    """End this process when time is up, whatever it waits for: all facts are on disk by now.

    Also where it waits for MLflow's threads at its end, so that no one stops the clock.
    """

    def give_up() -> None:
        recorder.warn(stage, f"not in {LIMIT} s")
        sys.stdout.flush()
        os._exit(0)

    timer = Timer(LIMIT, give_up)
    timer.daemon = True
    timer.start()
