"""Log results to MLflow: one run for each trained model.

A stage writes its outputs first, then logs them from disk. The run is found by the SHA-256 of the
weights, so no file contains a run id. If no run is found, because the weights came from DVC's cache
or the store has changed, the run is created from the outputs. If a run is incomplete, the next
stage or `softmax track` completes it.

`main` is the recorder that softmax/pipeline/recorder.py starts, with a socket as stdin.
"""

import gc
import getpass
import io
import json
import os
import select
import socket
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from typing import Any, NamedTuple

import git
from tqdm import tqdm

from softmax.analysis.trained_models import LESSON, TrainedModel, differences
from softmax.pipeline import files, paths
from softmax.pipeline.params import Params
from softmax.pipeline.recorder import ANSWER_TIMEOUT, reason
from softmax.tracking import registry, store, sync
from softmax.tracking.registry import WEIGHTS_TAG, find_model
from softmax.tracking.store import Client, Run

MADE = (":(top,exclude)dvc.lock", ":(top,exclude)metrics")  # outputs do not count as changes
RESULTS = {"evaluate": sync.evaluation, "export": sync.images, "report": sync.report}
DOWNLOADS, LESSONS = "downloads", "softmax-lesson"  # the experiments of these stages
LINGER = 10  # seconds that the recorder waits for the next stage


class Origin(NamedTuple):
    """When a model was trained, and tags that say where, by whom and from which commit."""

    started: float  # seconds since the epoch, as from time.time()
    tags: Mapping[str, str]


def log(stage: str, config: Params, *, started: float, ended: float, **details: object) -> None:
    """Log what a stage has just written: times in seconds since the epoch, `details` as tags."""
    client, trained = store.connect(), TrainedModel(Path(), config)
    if stage in RESULTS:
        _add_results(client, _run_of(client, trained), trained, [stage])
        return
    tags = {key: str(value) for key, value in details.items()} | circumstances()
    origin, end = Origin(started, tags), _milliseconds(ended)
    if stage == "train":
        run = _create_model_run(client, trained, origin)
        _add_training(client, run, trained, end)
        _add_results(client, run, trained, trained.locked())  # DVC might not rerun these stages
        return
    tags["mlflow.source.name"] = f"stages.{stage}"
    if stage == "lesson":
        tags[WEIGHTS_TAG] = files.sha256(paths.LESSON_WEIGHTS)
        name = differences([config.lesson], LESSON)
        run = _create_run(client, LESSONS, name, origin)
        sync.lesson(client, run, config)
    else:
        run = _create_run(client, DOWNLOADS, config.download.dataset, origin)
    client.set_terminated(run.info.run_id, end_time=end)


def _add_training(client: Client, run: Run, trained: TrainedModel, end: int) -> None:
    """Complete a run that ended at `end` (ms), register its model, and print the result."""
    with TemporaryDirectory() as directory:
        logged, entries = sync.training(client, run, trained, Path(directory))
    sync.add(client, run, entries)
    tqdm.write(f"registry: {registry.register(client, run, trained, logged)}")  # above a bar
    client.set_terminated(run.info.run_id, end_time=end)


def backfill(trained: TrainedModel, origin: Origin | None = None) -> Run:
    """Create or complete the run of a model from its outputs in dvc.lock, and return the run.

    Raise TrackingError if MLflow cannot be reached or an output is missing.
    """
    with store.clear_errors():
        client = store.connect()
        run = _run_of(client, trained, origin)
        _add_results(client, run, trained, trained.locked())
        return client.get_run(run.info.run_id)


def _run_of(client: Client, trained: TrainedModel, origin: Origin | None = None) -> Run:
    """Return the newest run of the weights, or a new run, completed by the outputs of training.

    A run that was evaluated on a different test set is ignored, so it keeps its metrics.
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
    if run.info.status != "FINISHED" or find_model(client, run) is None:  # or deleted
        _add_training(client, run, trained, run.info.start_time)
    return run


def _add_results(client: Client, run: Run, trained: TrainedModel, stages: Iterable[str]) -> None:
    """Add the results of `stages`, except those with nothing to add."""
    for stage in stages:
        if stage in RESULTS:
            RESULTS[stage](client, run, trained)


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
    """Return tags: the user, the commit, whether files differ from it, and DVC's experiment."""
    tags = {key: os.environ[key] for key in ["DVC_EXP_NAME"] if key in os.environ}
    with suppress(KeyError, OSError):  # a container may have no name for the user
        tags["mlflow.user"] = getpass.getuser()
    try:
        # an experiment that DVC runs in a copy finds the repository of the copy
        repository = git.Repo(search_parent_directories=True)
        commit = repository.head.commit.hexsha
        changed = repository.git.diff("HEAD", "--name-only", "--", ".", *MADE)
    except (git.GitError, ValueError):  # no repository, or no commit
        return tags
    return {**tags, "mlflow.source.git.commit": commit, "git.dirty": str(bool(changed)).lower()}


def main() -> None:
    """Answer the stages that connect to stdin, until none is connected for LINGER seconds."""
    listener = socket.socket(fileno=sys.stdin.fileno())
    with suppress(Exception):  # the first stage that logs reports the error
        store.connect()
        Timer(0.5, registry.look_up_packages).start()  # after `download`, before `train` needs it
    gc.freeze()  # keeps the garbage collector from scanning all imported modules
    gc.enable()
    stages: list[socket.socket] = []
    while ready := select.select([listener, *stages], [], [], None if stages else LINGER)[0]:
        for one in ready:
            if one is listener:
                stages.append(listener.accept()[0])
            elif not _answered(one):
                stages.remove(one)
                one.close()
    Path(listener.getsockname()).unlink(missing_ok=True)
    os._exit(0)  # without waiting for MLflow's threads


def _answered(stage: socket.socket) -> bool:
    """Answer a request of a stage, and return False if the stage has ended."""
    timer = Timer(ANSWER_TIMEOUT + 1, os._exit, [0])  # if MLflow hangs; the stage gave up earlier
    timer.start()
    try:
        if request := stage.makefile().readline():
            stage.sendall(f"{json.dumps(answer(json.loads(request)))}\n".encode())
            return True
    except (OSError, ValueError):
        pass
    finally:
        timer.cancel()
    return False


def answer(request: dict[str, Any]) -> tuple[str, str]:
    """Log what a stage asks for, and return the text to print and the reason of a failure or ""."""
    text, failure = io.StringIO(), ""
    try:
        config = Params.model_validate(request["config"])
        with redirect_stdout(text):
            log(request["stage"], config, **request["details"])
    except (Exception, SystemExit) as error:
        failure = reason(error)
    return text.getvalue(), failure
