"""What the stages write, and what MLflow shows of it, by which tests of outages compare."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from old_fixtures import Workspace

from stages import evaluate, export, train

LIMIT = 40  # seconds: the clock ends tracking after 8, and a busy machine takes its time
STAGES = [train.main, evaluate.main, export.main]

Outputs = tuple[dict[str, bytes], Any]


@pytest.fixture(name="known", scope="module")
def _known() -> list[Outputs]:
    """What `outputs` found at its first use."""
    return []


@pytest.fixture(name="outputs")
def _outputs(workspace: Workspace, store: str, known: list[Outputs]) -> Outputs:
    """What the stages wrote and what MLflow shows of it where nothing went wrong.

    All tests train one model.
    """
    workspace(train={"epochs": 1, "batch_size": 2, "seed": 300})
    if not known:
        before = run_ids(store)
        for stage in STAGES:
            stage()
        (row,) = [run for run in all_runs(store) if run.info.run_id not in before]
        known.append((written(), content(store, row)))
        for folder in ("models", "metrics", "images"):
            shutil.rmtree(folder)
    return known[0]


def written() -> dict[str, bytes]:
    """Every output of the stages."""
    files = (path for name in ("models", "metrics", "images") for path in Path(name).rglob("*.*"))
    return {str(path): path.read_bytes() for path in files if path.is_file()}


def all_runs(uri: str) -> list[Run]:
    """Every run that a person sees."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("softmax-mnist")
    return list(client.search_runs([experiment.experiment_id])) if experiment else []


def run_ids(uri: str) -> set[str]:
    return {run.info.run_id for run in all_runs(uri)}


def content(uri: str, run: Run) -> Any:
    """All of a run that does not differ between two of the same model."""
    client = MlflowClient(uri)
    curves = {
        key: [
            (point.step, point.value) for point in client.get_metric_history(run.info.run_id, key)
        ]
        for key in run.data.metrics
    }
    inputs = sorted(i.dataset.name for i in run.inputs.dataset_inputs)
    artifacts = files(get_artifact_repository(run.info.artifact_uri, tracking_uri=uri))
    return run.info.status, run.info.run_name, run.data.params, curves, inputs, artifacts


def files(artifacts: ArtifactRepository, folder: str = "") -> list[str]:
    """All in a folder; MLflow puts a time and a random number into the names of some."""
    found: list[str] = []
    for file in artifacts.list_artifacts(folder):
        found += files(artifacts, file.path) if file.is_dir else [file.path]
    return sorted(re.split(r"[+%]timestamp", path)[0] for path in found)


def names_the_remedy(warning: str) -> bool:
    return (
        warning.count("\n") == 1 and warning.startswith("warning: ") and "`make track`" in warning
    )
