"""Shows the facts in MLflow: one run for each trained model.

A stage writes its facts first and then replays them from disk, in batches. The run is found by the
SHA-256 of the weights, so that no file holds a run id: where there is no such run, because the
weights came out of DVC's cache or the store is another one, it is made from the facts. Replaying
again adds nothing. Tracking never fails a stage: it warns in one line, and `make track` makes up
for it.
"""

import hashlib
import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock

from softmax import catalog, files, model, paths
from softmax.errors import TrackingError
from softmax.params import Params

DOWNLOADS = "downloads"  # the experiment of the download stage
WEIGHTS_TAG = "weights.sha256"
REQUEST = 1000  # metrics that MLflow takes at a time
LOCK_TIMEOUT = 10  # seconds
DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "4",  # seconds
}

Client = Any  # mlflow.MlflowClient and mlflow.entities.Run; MLflow takes a second to import, so
Run = Any  # that functions import it when they need it


def log_download(settings: Params, *, source: str, started: float) -> None:
    """Add a run that says which source gave the data; `started` as by time.time()."""
    with _never_fails():
        client = _connect()
        run = _create_run(client, DOWNLOADS, settings.download.dataset, started)
        client.set_tag(run.info.run_id, "source", source)
        client.set_terminated(run.info.run_id)


def log_training(settings: Params, *, device: str, workers: int, started: float) -> None:
    """Add a run for the training that has just written its facts; `started` as by time.time()."""
    with _never_fails():
        tags = {"device": device, "workers": str(workers)}
        _replay_training(_connect(), settings, started, tags)


def log_evaluation(settings: Params) -> None:
    """Add the facts of the evaluation to the run of the weights on disk."""
    with _never_fails():
        client = _connect()
        _replay_evaluation(client, _run_of_weights(client, settings), settings)


def log_images(settings: Params) -> None:
    """Add the weight images to the run of the weights on disk."""
    with _never_fails():
        client = _connect()
        _replay_images(client, _run_of_weights(client, settings))


def backfill(settings: Params) -> str:
    """Complete the run of the weights on disk, making it if there is none; return its id.

    Raises DataError without good weights, TrackingError if MLflow cannot be reached or another
    fact is missing.
    """
    model.load(paths.WEIGHTS)
    try:
        client = _connect()
        run = _run_of_weights(client, settings)
        _replay_evaluation(client, run, settings)
        _replay_images(client, run)
    except Exception as error:
        raise TrackingError(f"{_reason(error)}; run `dvc repro`, or look at the server") from None
    return run.info.run_id


def _run_of_weights(client: Client, settings: Params) -> Run:
    """The newest run of the weights on disk, made from the facts where there is none."""
    runs = client.search_runs(
        [_experiment(client, _experiment_name(settings))],
        f"tags.`{WEIGHTS_TAG}` = '{files.sha256(paths.WEIGHTS)}'",
        order_by=["attributes.start_time DESC"],
        max_results=1,
    )
    return (
        runs[0] if runs else _replay_training(client, settings, time.time(), {"backfilled": "true"})
    )


def _replay_training(client: Client, settings: Params, started: float, tags: dict[str, str]) -> Run:
    """A new run with all that training left, found by its weights once it is complete."""
    from mlflow.entities import Param

    train = settings.train
    name = f"{train.optimizer} lr={train.learning_rate:g} b={train.batch_size} e={train.epochs}"
    run = _create_run(client, _experiment_name(settings), name, started)
    run_id = run.info.run_id
    values = settings.model_dump(include={"download", "train"})
    params = {
        f"{part}.{key}": value for part, keys in values.items() for key, value in keys.items()
    }
    client.log_batch(run_id, params=[Param(key, str(value)) for key, value in params.items()])
    for table in (paths.LOSSES, paths.EPOCHS):
        _log_curves(client, run, pd.read_csv(table))
    _log_dataset(client, run, settings, "training")
    client.log_artifact(run_id, str(paths.WEIGHTS), "model")
    for key, value in {**tags, WEIGHTS_TAG: files.sha256(paths.WEIGHTS)}.items():
        client.set_tag(run_id, key, value)
    client.set_terminated(run_id)
    return run


def _replay_evaluation(client: Client, run: Run, settings: Params) -> None:
    metrics = json.loads(paths.TEST_METRICS.read_bytes())
    last = pd.read_csv(paths.EPOCHS)["step"].iloc[-1]
    row = {f"test_{key}": metrics[key] for key in ("accuracy", "loss", "correct")}
    _log_curves(client, run, pd.DataFrame([{"step": last, **row}]))
    _log_dataset(client, run, settings, "test")
    for facts in (paths.TEST_METRICS, paths.CONFUSION, paths.PREDICTIONS):
        client.log_artifact(run.info.run_id, str(facts), "evaluation")
    client.log_artifacts(run.info.run_id, str(paths.SAMPLE_CARDS), "samples")


def _replay_images(client: Client, run: Run) -> None:
    client.log_artifacts(run.info.run_id, str(paths.WEIGHT_IMAGES), "weights")


def _log_curves(client: Client, run: Run, table: pd.DataFrame) -> None:
    """Log each column of `table` by its step; the same time each time, so that none is doubled."""
    from mlflow.entities import Metric

    metrics = [
        Metric(key, value, run.info.start_time, step)
        for key in table.columns.drop(["step", "epoch", "batch"], errors="ignore")
        for step, value in zip(table["step"].tolist(), table[key].tolist(), strict=True)
    ]
    for start in range(0, len(metrics), REQUEST):
        client.log_batch(run.info.run_id, metrics=metrics[start : start + REQUEST])


def _log_dataset(client: Client, run: Run, settings: Params, context: str) -> None:
    """Log the training or test set as an input, its digest taken from the pinned hashes."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    name = settings.download.dataset
    pins = catalog.SHA256[name][:2] if context == "training" else catalog.SHA256[name][2:]
    dataset = Dataset(
        name=f"{name}-{context}",
        digest=hashlib.sha256("".join(pins).encode()).hexdigest()[:16],
        source_type="http",
        source=json.dumps({"url": catalog.HOMEPAGE[name]}),
    )
    tag = InputTag("mlflow.data.context", context)
    client.log_inputs(run.info.run_id, [DatasetInput(dataset, [tag])])


def _connect() -> Client:
    """A client of MLFLOW_TRACKING_URI or of the SQLite store at the repository root.

    MLflow migrates a store when it is first opened, which two processes must not do at once.
    """
    for key, value in DEFAULTS.items():
        os.environ.setdefault(key, value)
    from mlflow import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.CRITICAL)  # our one line says it
    with _lock():
        return MlflowClient(
            os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{_root() / 'mlflow.db'}"
        )


def _create_run(client: Client, experiment: str, name: str, started: float) -> Run:
    tags = {"mlflow.source.name": f"stages.{Path(sys.argv[0]).stem}", **_git_tags()}
    tags |= {key: os.environ[key] for key in ("DVC_STAGE", "DVC_EXP_NAME") if key in os.environ}
    experiment_id = _experiment(client, experiment)
    return client.create_run(experiment_id, int(started * 1000), tags, name)


def _experiment(client: Client, name: str) -> str:
    """The id of the experiment called `name`, created by one process at a time.

    Without a server its artifacts lie at the repository root, wherever the stage runs.
    """
    with _lock():
        if experiment := client.get_experiment_by_name(name):
            return experiment.experiment_id
        served = client.tracking_uri.startswith("http")
        return client.create_experiment(
            name, None if served else (_root() / "mlartifacts" / name).as_uri()
        )


def _experiment_name(settings: Params) -> str:
    return f"softmax-{settings.download.dataset}"


def _git_tags() -> dict[str, str]:
    """The commit that is checked out, and whether tracked files differ from it."""
    try:
        import git
    except ImportError:  # no git on this machine
        return {}
    try:
        repository = git.Repo(_root(), search_parent_directories=True)
        commit = repository.head.commit.hexsha
    except (git.GitError, ValueError):  # no repository, or one without a commit
        return {}
    return {"mlflow.source.git.commit": commit, "git.dirty": str(repository.is_dirty()).lower()}


def _lock() -> FileLock:
    return FileLock(_root() / "mlflow.db.lock", timeout=LOCK_TIMEOUT)


def _root() -> Path:
    """The repository root; DVC names the parent one where it runs an experiment in a copy."""
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()


@contextmanager
def _never_fails() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        message = f"warning: MLflow did not take this stage ({_reason(error)}); "
        print(f"{message}`make track` adds it later", file=sys.stderr)


def _reason(error: BaseException) -> str:
    """The first error of a chain, in at most a line."""
    while error.__context__:
        error = error.__context__
    return f"{type(error).__name__}: {error}".split("\n")[0][:160]
