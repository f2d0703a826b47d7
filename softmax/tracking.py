"""Shows the facts in MLflow: one run for each trained model.

A stage writes its facts first and then replays them from disk, in batches. The run is found by the
SHA-256 of the weights, so that no file holds a run id: where there is no such run, because the
weights came out of DVC's cache or the store is another one, it is made from the facts. Replaying
again adds nothing. Tracking never fails a stage: it warns in one line, and `make track` makes up
for it.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from softmax import catalog, files, lock, paths, store
from softmax.errors import SoftmaxError, TrackingError
from softmax.params import Params
from softmax.store import Client, Run

DOWNLOADS = "downloads"  # the experiment of the download stage
WEIGHTS_TAG = "weights.sha256"
REQUEST = 1000  # metrics that MLflow takes at a time
NOTE = """**{accuracy:.2%}** of {total} test images, {correct} of them right.

![weights](get-artifact?path=weights/grid/gray.png&run_uuid={run_id})

{confusion}
"""


class Facts(NamedTuple):
    """The facts of one trained model: the folder in which they lie, and the params."""

    folder: Path
    settings: Params

    def sha256(self) -> str:
        """What links them to a run: the hash of the weights."""
        return files.sha256(self.folder / paths.WEIGHTS)


class Origin(NamedTuple):
    """When a model was trained, and the tags that say where and from which code."""

    started: float  # as by time.time()
    tags: Mapping[str, str]


def log_download(settings: Params, *, source: str, started: float) -> None:
    """Add a run that says which source gave the data; `started` as by time.time()."""
    with store.never_fails():
        client = store.connect()
        tags = {"source": source, **_tags()}
        run = _create_run(client, DOWNLOADS, settings.download.dataset, Origin(started, tags))
        client.set_terminated(run.info.run_id)


def log_training(settings: Params, *, device: str, workers: int, started: float) -> None:
    """Add a run for the training that has just written its facts; `started` as by time.time()."""
    with store.never_fails():
        client, facts = store.connect(), Facts(Path(), settings)
        tags = {"device": device, "workers": str(workers), **_tags()}
        run = _replay_training(client, facts, Origin(started, tags))
        _replay_locked(client, run, facts)


def log_evaluation(settings: Params) -> None:
    """Add the facts of the evaluation to the run of the weights on disk."""
    with store.never_fails():
        client, facts = store.connect(), Facts(Path(), settings)
        _replay_evaluation(client, _run_of(client, facts), facts)


def log_images(settings: Params) -> None:
    """Add the weight images to the run of the weights on disk."""
    with store.never_fails():
        client, facts = store.connect(), Facts(Path(), settings)
        _replay_images(client, _run_of(client, facts), facts)


def backfill(facts: Facts, origin: Origin | None = None) -> Run:
    """Complete the run of a model from what dvc.lock has of it, making it if there is none.

    Raises TrackingError if MLflow cannot be reached or a fact is missing.
    """
    try:
        client = store.connect()
        run = _run_of(client, facts, origin)
        _replay_locked(client, run, facts)
    except SoftmaxError:
        raise
    except Exception as error:
        reason = store.reason(error)
        raise TrackingError(f"{reason}; run `dvc repro`, or look at the server") from None
    return run


def _run_of(client: Client, facts: Facts, origin: Origin | None = None) -> Run:
    """The newest run of the weights, made from the facts where there is none."""
    runs = client.search_runs(
        [store.experiment(client, _experiment_name(facts.settings))],
        f"tags.`{WEIGHTS_TAG}` = '{facts.sha256()}'",
        order_by=["attributes.start_time DESC"],
        max_results=1,
    )
    if runs:
        return runs[0]
    started, tags = origin or Origin(time.time(), _tags())
    return _replay_training(client, facts, Origin(started, {**tags, "backfilled": "true"}))


def _replay_training(client: Client, facts: Facts, origin: Origin) -> Run:
    """A new run with all that training left, found by its weights once it is complete."""
    from mlflow.entities import Param

    settings = facts.settings
    run = _create_run(client, _experiment_name(settings), _run_name(settings), origin)
    run_id = run.info.run_id
    values = settings.model_dump(include={"download", "train"})
    params = {
        f"{part}.{key}": value for part, keys in values.items() for key, value in keys.items()
    }
    client.log_batch(run_id, params=[Param(key, str(value)) for key, value in params.items()])
    for table in (paths.LOSSES, paths.EPOCHS):
        _log_curves(client, run, pd.read_csv(facts.folder / table))
    _log_dataset(client, run, settings, "training")
    client.log_artifact(run_id, str(facts.folder / paths.WEIGHTS), "model")
    client.set_tag(run_id, WEIGHTS_TAG, facts.sha256())
    client.set_terminated(run_id)
    return run


def _replay_locked(client: Client, run: Run, facts: Facts) -> None:
    """Add what dvc.lock has of these weights. DVC may not run those stages again."""
    locked = _locked(facts)
    for stage, replay in {"evaluate": _replay_evaluation, "export": _replay_images}.items():
        if stage in locked:
            replay(client, run, facts)


def _replay_evaluation(client: Client, run: Run, facts: Facts) -> None:
    run_id = run.info.run_id
    metrics = json.loads((facts.folder / paths.TEST_METRICS).read_bytes())
    last = pd.read_csv(facts.folder / paths.EPOCHS)["step"].iloc[-1]
    row = {f"test_{key}": metrics[key] for key in ("accuracy", "loss", "correct")}
    _log_curves(client, run, pd.DataFrame([{"step": last, **row}]))
    _log_dataset(client, run, facts.settings, "test")
    for fact in (paths.TEST_METRICS, paths.CONFUSION, paths.PREDICTIONS):
        client.log_artifact(run_id, str(facts.folder / fact), "evaluation")
    client.log_artifacts(run_id, str(facts.folder / paths.SAMPLE_CARDS), "samples")
    pairs = pd.read_csv(facts.folder / paths.CONFUSION)
    confusion = pd.crosstab(pairs["actual"], pairs["predicted"]).to_markdown()
    note = NOTE.format(run_id=run_id, confusion=confusion, **metrics)
    for key, value in {"mlflow.note.content": note, **_provenance(facts)}.items():
        client.set_tag(run_id, key, value)
    client.update_run(run_id, name=f"{metrics['accuracy']:.2%} · {_run_name(facts.settings)}")


def _replay_images(client: Client, run: Run, facts: Facts) -> None:
    client.log_artifacts(run.info.run_id, str(facts.folder / paths.WEIGHT_IMAGES), "weights")


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


def _create_run(client: Client, experiment: str, name: str, origin: Origin) -> Run:
    tags = {"mlflow.source.name": f"stages.{Path(sys.argv[0]).stem}", **origin.tags}
    experiment_id = store.experiment(client, experiment)
    return client.create_run(experiment_id, int(origin.started * 1000), tags, name)


def _experiment_name(settings: Params) -> str:
    return f"softmax-{settings.download.dataset}"


def _run_name(settings: Params) -> str:
    train = settings.train
    return f"{train.optimizer} lr={train.learning_rate:g} b={train.batch_size} e={train.epochs}"


def _locked(facts: Facts) -> lock.Stages:
    """The stages of dvc.lock, if there is one, that made or read these very weights."""
    if not (facts.folder / lock.PATH).exists():
        return {}
    stages, md5 = lock.load(facts.folder), files.md5(facts.folder / paths.WEIGHTS)
    return {
        name: stage
        for name, stage in stages.items()
        if md5 in (lock.inputs(stages, name) | lock.outputs(stages, name)).values()
    }


def _provenance(facts: Facts) -> dict[str, str]:
    """Tags that tell whether two models had the same data and the same code, from dvc.lock."""
    inputs = lock.inputs(_locked(facts), "train")
    if not inputs:
        return {}
    code = [f"{md5}  {path}" for path, md5 in inputs.items() if path.suffix == ".py"]
    data = [md5 for path, md5 in inputs.items() if path.suffix != ".py"]
    return {
        "dvc.data.md5": " ".join(data),
        "dvc.code.md5": hashlib.md5("\n".join(code).encode(), usedforsecurity=False).hexdigest(),
    }


def _tags() -> dict[str, str]:
    """The commit that is checked out, whether tracked files differ from it, and DVC's names."""
    tags = {key: os.environ[key] for key in ("DVC_STAGE", "DVC_EXP_NAME") if key in os.environ}
    try:
        import git
    except ImportError:  # no git on this machine
        return tags
    try:
        repository = git.Repo(store.root(), search_parent_directories=True)
        commit = repository.head.commit.hexsha
    except (git.GitError, ValueError):  # no repository, or one without a commit
        return tags
    dirty = str(repository.is_dirty()).lower()
    return {**tags, "mlflow.source.git.commit": commit, "git.dirty": dirty}
