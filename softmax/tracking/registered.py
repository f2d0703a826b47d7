"""Models of MLflow's registry, to ask them: their weights alone, without their code."""

import re
import tempfile
from pathlib import Path

from softmax.errors import TrackingError
from softmax.pipeline import paths
from softmax.provenance import models
from softmax.provenance.models import Model
from softmax.tracking import store

URI = re.compile(r"models:/softmax-([a-z][a-z0-9-]*)(?:@[\w.-]+|/\d+)")  # as registry.py names them


def load(uri: str) -> Model:
    """The model at models:/softmax-mnist@champion or models:/softmax-mnist/1.

    Raises TrackingError if there is none, DataError if its data set is not in datasets.yaml.
    """
    if not (parts := URI.fullmatch(uri)):
        raise TrackingError(f"{uri}: say models:/softmax-mnist@champion or models:/softmax-mnist/1")
    entry = models.entry(parts[1])
    with tempfile.TemporaryDirectory() as folder, store.clear_errors():
        store.connect()
        from mlflow import artifacts

        artifacts.download_artifacts(uri, dst_path=folder)
        (weights,) = Path(folder).rglob(paths.WEIGHTS.name)
        return models.load(uri, weights, entry)
