"""Log a sweep: a run for each model, as complete as that of a single training, and a parent run.

A sweep is found again by what it trains, and a run by its hyperparameters, so that one that broke
off is completed.
"""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from softmax.analysis.trained_models import TrainedModel, provenance
from softmax.pipeline import dvc_lock
from softmax.sweep import model_cache, ranking
from softmax.sweep.ranking import TEST, Result, varied
from softmax.tracking import recording, store, sync
from softmax.tracking.registry import WEIGHTS_TAG
from softmax.tracking.store import Run

SWEEP, SETTING, PARENT = "sweep.sha256", "sweep.setting", "mlflow.parentRunId"
PICTURE = "sweep.png"
SHORT = {  # as in Facts.recipe
    "learning_rate": "lr",
    "batch_size": "b",
    "epochs": "e",
    "weight_decay": "decay",
    "validation": "held-out",
}
WORDS = {"train.optimizer", "train.schedule"}  # whose values speak for themselves
NOTE = "![accuracy by setting](get-artifact?path={picture}&run_uuid={run_id})\n\n"


class Sweep:
    """The parent of these results in MLflow, and the rows that it has so far."""

    def __init__(self, results: Sequence[Result]) -> None:
        config = results[0].setting.params
        self.client = store.connect()
        self.tags = {"mlflow.source.name": "softmax sweep", **recording.circumstances()}
        self.experiment = store.experiment(self.client, store.experiment_name(config))
        sha256 = model_cache.key(result.directory for result in results)
        self.results, self.keys = results, varied(results)
        title = f"sweep of {len(results)}: {' '.join(map(_short, self.keys))}"
        known = _search(self.experiment, f"tags.`{SWEEP}` = '{sha256}'")
        self.parent = next(iter(known), None) or self.client.create_run(
            self.experiment, tags={**self.tags, SWEEP: sha256}, run_name=title
        )
        rows = _search(self.experiment, f"tags.`{PARENT}` = '{self.parent.info.run_id}'")
        self.rows = {run.data.tags[SETTING]: run for run in rows}

    def add(self, result: Result) -> None:
        """Add the row of a model, or complete it."""
        run = self.rows.get(result.directory.name)
        if run and run.info.status != "RUNNING":
            return
        trained, failure = TrainedModel(result.directory, result.setting.params), result.failure()
        event = json.loads((result.directory / model_cache.EVENT).read_bytes())
        run = run or self._create(result, trained, event)
        run_id, status = run.info.run_id, "FINISHED"
        if failure:
            sync.params(self.client, run, trained.config, "download", "train")
            self.client.set_tag(run_id, "mlflow.note.content", failure)
            status = "FAILED"
        else:
            sync.training(self.client, run, trained)
            sync.test_scores(self.client, run, trained)
        self.client.set_terminated(run_id, status, int(event["ended"] * 1000))

    def close(self) -> None:
        """Show all results in the parent, which has failed if no setting gave a model."""
        run_id, note, status = self.parent.info.run_id, ranking.NO_MODEL + "\n\n", "FAILED"
        if not all(result.failure() for result in self.results):
            picture = Image.open(io.BytesIO(ranking.draw(self.results)))
            self.client.log_image(run_id, picture, PICTURE)
            note, status = NOTE.format(picture=PICTURE, run_id=run_id), "FINISHED"
        table = ranking.tabulate(self.results, "pipe")
        self.client.set_tag(run_id, "mlflow.note.content", note + table)
        self.end(status)

    def end(self, status: str) -> None:
        """End the parent with one of MLflow's states."""
        self.client.set_terminated(self.parent.info.run_id, status)

    def _create(self, result: Result, trained: TrainedModel, event: Mapping[str, Any]) -> Run:
        tags = {
            **self.tags,
            PARENT: self.parent.info.run_id,
            SETTING: result.directory.name,
            "device": event["device"],
        }
        if not result.failure():
            tags |= {WEIGHTS_TAG: trained.sha256(), **provenance(trained.locked())}
        started = int(event["started"] * 1000)
        return self.client.create_run(self.experiment, started, tags, run_name=self._title(result))

    def _title(self, result: Result) -> str:
        """Its accuracy, if there is a model, and what tells it from the others of its sweep."""
        changes = result.setting.changes
        words = {key: f"{_short(key)}={changes[key]}" for key in self.keys}
        words |= {key: changes[key] for key in WORDS & words.keys()}
        hyperparameters = " ".join(words.values())
        accuracy = result.row().get(TEST)
        return hyperparameters if accuracy is None else f"{accuracy:.2%} · {hyperparameters}"


def _search(experiment_id: str, query: str) -> list[Run]:
    """Return all runs of an experiment to which `query` applies, newest first."""
    import mlflow

    return list(mlflow.search_runs([experiment_id], query, output_format="list"))


def _short(key: str) -> str:
    """The name of a param where there is little room."""
    name = key.removeprefix("train.")
    return SHORT.get(name, name)


def accuracies(trained: TrainedModel) -> dict[int, float]:
    """The test accuracy by seed of all rows with the same params, data and code.

    Empty where nothing is known. Raises TrackingError if it cannot be reached.
    """
    if not store.exists():
        return {}
    made_of = provenance(dvc_lock.load(trained.directory))
    hyperparameters = trained.config.train.model_dump(exclude={"seed"})
    same = {f"params.`train.{key}`": str(value) for key, value in hyperparameters.items()}
    same |= {f"tags.`{key}`": value for key, value in made_of.items()}
    query = " and ".join(f"{key} = '{value}'" for key, value in same.items())
    with store.clear_errors():
        client = store.connect()
        experiment = store.experiment(client, store.experiment_name(trained.config))
        rows = _search(experiment, query)
    return {
        int(row.data.params["train.seed"]): row.data.metrics["test_accuracy"]
        for row in rows
        if "test_accuracy" in row.data.metrics and sync.is_comparable(row, trained)
    }
