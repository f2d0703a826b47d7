"""The tiny workspace for tests of MLflow."""

import pytest
from helpers.workspace import Workspace


@pytest.fixture
def workspace(workspace: Workspace) -> Workspace:
    """The same, with the absolute address of its store: MLflow keeps a relative one's place."""
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", workspace.store)
    return workspace
