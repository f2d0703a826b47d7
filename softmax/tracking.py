"""Shows the facts in MLflow: one run for each trained model.

A stage writes its facts first and then replays them from disk, in batches. The run is found by the
SHA-256 of the weights, so that no file holds a run id: where there is no such run, because the
weights came out of DVC's cache or the store is another one, it is made from the facts. Tracking
never fails a stage: it warns in one line, and `make track` makes up for it.
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
from typing import TYPE_CHECKING

import git
import pandas as pd
from filelock import FileLock

from softmax import data, paths
from softmax.params import Params

if TYPE_CHECKING:
    from mlflow import MlflowClient

DOWNLOADS = "downloads"  # the experiment of the download stage
WEIGHTS_TAG = "weights.sha256"
REQUEST = 1000  # metrics that MLflow takes at a time
DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "4",  # seconds
}


def log_download(settings: Params, *, source: str, started: float) -> None:
    """Add a run that says which source gave the data; `started` as by time.time()."""
    with _never_fails():
        client = _connect()
        tags = {"source": source}
        run_id = _create_run(client, DOWNLOADS, settings.download.dataset, tags, started)
        client.set_terminated(run_id)


def log_training(settings: Params, *, device: str, started: float) -> None:
    """Add a run for the training that has just written its facts; `started` as by time.time()."""
    with _never_fails():
        _replay_training(_connect(), settings, {"device": device}, started)


def log_evaluation(settings: Params) -> None:
    """Add the facts of the evaluation to the run of the weights on disk."""
    with _never_fails():
        client = _connect()
        _replay_evaluation(client, _run_of_weights(client, settings), settings)


def log_images(settings: Params) -> None:
    """Add the weight images to the run of the weights on disk."""
    with _never_fails():
        client = _connect()
        client.log_artifacts(_run_of_weights(client, settings), str(paths.WEIGHT_IMAGES), "weights")


def backfill(settings: Params) -> str:
    """Give the weights on disk a run with all facts, unless there is one; say which it is."""
    client = _connect()
    if run_id := _find_run(client, settings):
        return f"the weights have the run {run_id} already"
    run_id = _replay_training(client, settings, {"backfilled": "true"}, time.time())
    _replay_evaluation(client, run_id, settings)
    client.log_artifacts(run_id, str(paths.WEIGHT_IMAGES), "weights")
    return f"the weights have a new run, {run_id}"


def _run_of_weights(client: "MlflowClient", settings: Params) -> str:
    """The newest run of the weights on disk, made from the facts where there is none."""
    return _find_run(client, settings) or _replay_training(
        client, settings, {"backfilled": "true"}, time.time()
    )


def _replay_training(
    client: "MlflowClient", settings: Params, tags: dict[str, str], started: float
) -> str:
    from mlflow.entities import Param

    train = settings.train
    name = f"{train.optimizer} lr={train.learning_rate:g} b={train.batch_size} e={train.epochs}"
    tags = {WEIGHTS_TAG: _sha256(paths.WEIGHTS), **tags}
    run_id = _create_run(client, _experiment_name(settings), name, tags, started)
    values = pd.json_normalize(settings.model_dump()).iloc[0]
    client.log_batch(run_id, params=[Param(key, str(value)) for key, value in values.items()])
    for table in (paths.LOSSES, paths.EPOCHS):
        _log_curves(client, run_id, pd.read_csv(table))
    _log_dataset(client, run_id, settings, "training")
    client.log_artifact(run_id, str(paths.WEIGHTS), "model")
    client.set_terminated(run_id)
    return run_id


def _replay_evaluation(client: "MlflowClient", run_id: str, settings: Params) -> None:
    metrics = json.loads(paths.TEST_METRICS.read_bytes())
    for key in ("accuracy", "loss", "correct"):
        client.log_metric(run_id, f"test_{key}", metrics[key])
    _log_dataset(client, run_id, settings, "test")
    for facts in (paths.TEST_METRICS, paths.CONFUSION, paths.PREDICTIONS):
        client.log_artifact(run_id, str(facts), "evaluation")
    client.log_artifacts(run_id, str(paths.SAMPLE_CARDS), "samples")


def _log_curves(client: "MlflowClient", run_id: str, table: pd.DataFrame) -> None:
    """Log each column of `table` but those that count, by step."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    metrics = [
        Metric(key, value, now, step)
        for key in table.columns.drop(["step", "epoch", "batch"], errors="ignore")
        for step, value in zip(table["step"].tolist(), table[key].tolist(), strict=True)
    ]
    for start in range(0, len(metrics), REQUEST):
        client.log_batch(run_id, metrics=metrics[start : start + REQUEST])


def _log_dataset(client: "MlflowClient", run_id: str, settings: Params, context: str) -> None:
    """Log the training or test set as an input, its digest taken from the pinned hashes."""
    from mlflow.data.http_dataset_source import HTTPDatasetSource
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.entities import DatasetInput, InputTag

    name = settings.download.dataset
    pins = data.SHA256[name][:2] if context == "training" else data.SHA256[name][2:]
    digest = hashlib.sha256("".join(pins).encode()).hexdigest()[:16]
    dataset = MetaDataset(HTTPDatasetSource(data.HOMEPAGE[name]), f"{name}-{context}", digest)
    tag = InputTag("mlflow.data.context", context)
    client.log_inputs(run_id, [DatasetInput(dataset._to_mlflow_entity(), [tag])])


def _connect() -> "MlflowClient":
    """A client of MLFLOW_TRACKING_URI or of the SQLite store at the repository root.

    MLflow migrates a store when it is first opened, which two processes must not do at once.
    """
    for key, value in DEFAULTS.items():
        os.environ.setdefault(key, value)
    from mlflow import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{_root() / 'mlflow.db'}"
    with FileLock(_root() / "mlflow.db.lock"):
        return MlflowClient(uri)


def _create_run(
    client: "MlflowClient", experiment: str, name: str, tags: dict[str, str], started: float
) -> str:
    context = {"mlflow.source.name": f"stages.{Path(sys.argv[0]).stem}", **_git_tags()}
    context |= {key: os.environ[key] for key in ("DVC_STAGE", "DVC_EXP_NAME") if key in os.environ}
    run = client.create_run(
        _experiment(client, experiment),
        start_time=int(started * 1000),
        tags=context | tags,
        run_name=name,
    )
    return run.info.run_id


def _experiment(client: "MlflowClient", name: str) -> str:
    """The id of the experiment called `name`, created by one process at a time."""
    with FileLock(_root() / "mlflow.db.lock"):
        if experiment := client.get_experiment_by_name(name):
            return experiment.experiment_id
        local = client.tracking_uri.startswith("sqlite")
        artifacts = (_root() / "mlartifacts" / name).as_uri() if local else None
        return client.create_experiment(name, artifacts)


def _find_run(client: "MlflowClient", settings: Params) -> str | None:
    """The newest run of the weights on disk."""
    runs = client.search_runs(
        [_experiment(client, _experiment_name(settings))],
        f"tags.`{WEIGHTS_TAG}` = '{_sha256(paths.WEIGHTS)}'",
        order_by=["attributes.start_time DESC"],
        max_results=1,
    )
    return runs[0].info.run_id if runs else None


def _experiment_name(settings: Params) -> str:
    return f"softmax-{settings.download.dataset}"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _git_tags() -> dict[str, str]:
    """The commit that is checked out, and whether tracked files differ from it."""
    try:
        repository = git.Repo(_root(), search_parent_directories=True)
        commit = repository.head.commit.hexsha
    except (git.GitError, ValueError):  # no repository, or one without a commit
        return {}
    return {"mlflow.source.git.commit": commit, "git.dirty": str(repository.is_dirty()).lower()}


def _root() -> Path:
    """The repository root; DVC names the parent one where it runs an experiment in a copy."""
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()


@contextmanager
def _never_fails() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        message = f"warning: MLflow was not reached ({reason}); `make track` adds the run later"
        print(message, file=sys.stderr)
