"""What the tests of sweeps share."""

import pytest
from helpers.workspace import Workspace

from softmax.sweep import passes


@pytest.fixture
def workspace(workspace: Workspace) -> Workspace:
    """The tiny repository, with data and a store that are not those of the test before.

    MLflow keeps a database open under its address, the sweep the data sets under their name.
    """
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", workspace.store)
    passes.sets.cache_clear()
    return workspace
