"""The rows of MLflow, as the tests of stages look at them."""

import hashlib
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run


def runs(store: str) -> list[Run]:
    """The runs of the weights on disk, newest first."""
    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("softmax-mnist")
    if experiment is None:
        return []
    sha256 = hashlib.sha256(Path("models/softmax.safetensors").read_bytes()).hexdigest()
    return list(
        client.search_runs([experiment.experiment_id], f"tags.`weights.sha256` = '{sha256}'")
    )


def artifacts(store: str, run: Run, folder: str = "") -> set[str]:
    """The paths of the artifacts of `run` in `folder`."""
    return {file.path for file in MlflowClient(store).list_artifacts(run.info.run_id, folder)}
