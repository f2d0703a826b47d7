"""Log a sweep: a parent run, and a child run for each model, like that of a single training run.

A repeated sweep finds its parent run by the models, and each child run by its hyperparameters, and
then adds only what is missing.
"""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from softmax.analysis import evaluation
from softmax.analysis.images import gray, tiles
from softmax.analysis.trained_models import TrainedModel, differences, listed, provenance
from softmax.core import model
from softmax.pipeline import dvc_lock, paths
from softmax.sweep import groups, model_cache, ranking
from softmax.sweep.ranking import DIGITS, TEST, VALIDATION, Result, varied
from softmax.tracking import recording, store, sync, views
from softmax.tracking.registry import WEIGHTS_TAG
from softmax.tracking.store import Run

SWEEP, SETTING, PARENT = "sweep.sha256", "sweep.setting", "mlflow.parentRunId"
PICTURE, WEIGHTS = "sweep.png", "weights.png"
NOTE = "![accuracy by configuration](get-artifact?path={picture}&run_uuid={run_id})\n\n"
COMMAND = "To train this model: `dvc exp run {}`\n\n"


class Sweep:
    """A parent run in MLflow for the results of a sweep, and its existing child runs."""

    def __init__(self, results: Sequence[Result]) -> None:
        config = results[0].configuration.params
        self.client = store.connect()
        self.tags = {"mlflow.source.name": "softmax sweep", **recording.circumstances()}
        self.experiment = store.experiment(self.client, store.experiment_name(config))
        sha256 = model_cache.key(result.directory for result in results)[:DIGITS]
        self.results, self.model_files = results, TemporaryDirectory()
        settings = differences([result.configuration.params.train for result in results])
        self.title = f"sweep of {len(results)}: {settings}"
        known = _search(self.experiment, f"tags.`{SWEEP}` = '{sha256}'")
        self.parent = next(iter(known), None) or self.client.create_run(
            self.experiment, tags={**self.tags, SWEEP: sha256}, run_name=self.title
        )
        runs = _search(self.experiment, f"tags.`{PARENT}` = '{self.parent.info.run_id}'")
        self.runs = {run.data.tags[SETTING]: run for run in runs}

    def add(self, result: Result) -> None:
        """Create the run of a model, or complete it if the run is still open."""
        from mlflow.entities import RunTag

        run = self.runs.get(result.directory.name[:DIGITS])
        if run and run.info.status != "RUNNING":
            return
        trained = TrainedModel(result.directory, result.configuration.params)
        event = json.loads((result.directory / model_cache.EVENT).read_bytes())
        run = run or self._create(result, trained, event)
        run_id, status = run.info.run_id, "FINISHED"
        if failure := result.failure():
            params = sync.params(trained.config, "download", "train")
            note = RunTag("mlflow.note.content", failure)
            self.client.log_batch(run_id, params=params, tags=[note])
            status = "FAILED"
        else:
            logged, curves = sync.training(self.client, run, trained, Path(self.model_files.name))
            theta, entry = model.load(trained.directory / paths.WEIGHTS), trained.entry()
            _, test = groups.sets(trained.config.download.dataset, "cpu")
            called = model.predict(evaluation.logits(theta, test))
            answers = {"label": test.labels.astype(np.int64), "prediction": called}
            picture = views.contact_sheet(gray(tiles(theta, entry.shape)), entry.classes)
            self.client.log_image(run_id, picture, WEIGHTS)
            text = COMMAND.format(result.configuration.options())
            text += sync.PICTURE.format(path=WEIGHTS, run_id=run_id)
            confusion = sync.classes(self.client, run, trained, answers)
            scores = sync.scores(run, trained, logged, confusion, text)
            sync.add(self.client, run, curves, scores)
        self.client.set_terminated(run_id, status, int(event["ended"] * 1000))

    def close(self) -> None:
        """Log all results to the parent run, and end it, as failed if no model could be trained."""
        from mlflow.entities import Metric, Param, RunTag

        run_id, note, status = self.parent.info.run_id, ranking.NO_MODEL + "\n\n", "FAILED"
        if not all(result.failure() for result in self.results):
            picture = Image.open(io.BytesIO(ranking.draw(self.results)))
            self.client.log_image(run_id, picture, PICTURE)
            note, status = NOTE.format(picture=PICTURE, run_id=run_id), "FINISHED"
        best = ranking.best(self.results)
        row = {f"best_{key}": best.row()[key] for key in (VALIDATION, TEST)} if best else {}
        title = f"{row[f'best_{TEST}']:.2%} · {self.title}" if row else self.title
        note += ranking.tabulate(self.results, "pipe").replace(*views.BORDER)
        tags = {"mlflow.runName": title, "mlflow.note.content": note}
        tried = [result.configuration.changes for result in self.results]
        self.client.log_batch(
            run_id,
            [Metric(*one, self.parent.info.start_time, 0) for one in row.items()],
            [Param(key, listed({one[key] for one in tried})) for key in varied(self.results)],
            [RunTag(*tag) for tag in tags.items()],
        )
        self.end(status)

    def end(self, status: str) -> None:
        """End the parent run with a status of MLflow."""
        self.client.set_terminated(self.parent.info.run_id, status)

    def _create(self, result: Result, trained: TrainedModel, event: Mapping[str, Any]) -> Run:
        tags = {
            **self.tags,
            PARENT: self.parent.info.run_id,
            SETTING: result.directory.name[:DIGITS],
            "device": event["device"],
        }
        if not result.failure():
            tags[WEIGHTS_TAG] = trained.sha256()
        started = int(event["started"] * 1000)
        return self.client.create_run(self.experiment, started, tags, trained.hyperparameters())


def _search(experiment_id: str, query: str) -> list[Run]:
    """Return all runs of an experiment that match `query`, the newest first."""
    import mlflow

    return list(mlflow.search_runs([experiment_id], query, output_format="list"))


def accuracies(trained: TrainedModel) -> dict[int, float]:
    """Return the test accuracy by seed of all runs with the same params, data and code.

    Return {} if there is no store. Raise TrackingError if the store cannot be reached.
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
        runs = _search(experiment, query)
    return {
        int(run.data.params["train.seed"]): run.data.metrics["test_accuracy"]
        for run in runs
        if "test_accuracy" in run.data.metrics and sync.is_comparable(run, trained)
    }
