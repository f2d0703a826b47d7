"""Read the runs of an MLflow store."""

import re
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from softmax.pipeline import files, paths

NAME = "softmax-digits"  # the experiment and the registered model of the tiny data set


def runs(uri: str, experiment: str = NAME) -> list[Run]:
    """Return the runs of an experiment, newest first, or [] if the experiment does not exist."""
    client = MlflowClient(uri, uri)
    found = client.get_experiment_by_name(experiment)
    return list(client.search_runs([found.experiment_id])) if found else []


def artifacts(uri: str, run: Run, directory: str = "") -> set[str]:
    """Return the paths of the artifacts of `run` in `directory`."""
    return {file.path for file in MlflowClient(uri).list_artifacts(run.info.run_id, directory)}


def curves(uri: str, run: Run) -> dict[str, list[tuple[int, float]]]:
    """Return the steps and values of each metric."""
    client = MlflowClient(uri)
    return {
        key: [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, key)]
        for key in run.data.metrics
    }


def content(uri: str) -> Any:
    """Return the content of the only run of the weights on disk, without times and random ids."""
    sha256 = files.sha256(paths.WEIGHTS)
    (run,) = (run for run in runs(uri) if run.data.tags["weights.sha256"] == sha256)
    client = MlflowClient(uri, uri)
    query = f"source_run_id = '{run.info.run_id}'"
    models = client.search_logged_models([run.info.experiment_id], query)
    versions = client.search_model_versions(f"run_id = '{run.info.run_id}'")
    return (
        (run.info.status, run.info.run_name, run.data.params, curves(uri, run)),
        sorted(entry.dataset.name for entry in run.inputs.dataset_inputs),
        [(model.name, model.status) for model in models],
        len({output.model_id for output in run.outputs.model_outputs}),
        [version.description for version in versions],
        _files(get_artifact_repository(run.info.artifact_uri, tracking_uri=uri)),
    )


def _files(artifacts: ArtifactRepository, directory: str = "") -> list[str]:
    """Return all artifacts below `directory`, without timestamps and random parts of names."""
    found: list[str] = []
    for file in artifacts.list_artifacts(directory):
        found += _files(artifacts, file.path) if file.is_dir else [file.path]
    return sorted(re.split(r"[+%]timestamp", path)[0] for path in found)
