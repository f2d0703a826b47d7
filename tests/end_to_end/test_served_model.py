"""`mlflow models serve` answers as the pipeline does, without its repository."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import requests
from helpers.rows import NAME
from helpers.stores import STARTUP, free_port, wait_for
from helpers.workspace import Workspace

from softmax.core import data
from softmax.pipeline import catalog, paths


def test_a_served_model_gives_the_answers_of_the_pipeline(
    workspace: Workspace, tmp_path: Path
) -> None:
    workspace.monkeypatch.setenv("MLFLOW_TRACKING_URI", workspace.store)
    workspace.tool("track")
    expected = pd.read_csv(paths.PREDICTIONS).drop(columns="label")
    expected["class"] = expected["prediction"].astype(str)
    images = data.load(*catalog.test("digits")).images
    forms = [
        images.tolist(),
        images.reshape(-1, 8, 8).tolist(),
        (images / 255).tolist(),
        (images.reshape(-1, 8, 8) / np.float32(255)).tolist(),
    ]
    port = str(free_port())
    model = ["-m", f"models:/{NAME}/1", "--env-manager", "local", "--port", port]
    bin_ = Path(sys.executable).parent
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [bin_ / "mlflow", "models", "serve", *model],
            cwd="/",
            env={**os.environ, "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def ask(inputs: Any) -> requests.Response:
        address = f"http://127.0.0.1:{port}/invocations"
        return requests.post(address, json={"inputs": inputs}, timeout=STARTUP)

    try:
        wait_for(f"http://127.0.0.1:{port}/ping", process, tmp_path / "log")
        for form in forms:
            response = ask(form)
            assert response.status_code == 200, response.text[:500]
            found = pd.DataFrame(response.json()["predictions"])
            pd.testing.assert_frame_equal(found, expected, check_exact=True)
        for reason, inputs in {
            "images: shape (1, 63) should be (n, 64) or (n, 8, 8)": [[0] * 63],
            "the images differ in size": [[0] * 64, [0] * 63],
            "pixels should be numbers": [["white"] * 64],
            "Failed to enforce schema": [],  # MLflow's own words
        }.items():
            response = ask(inputs)
            assert response.status_code == 400
            assert reason in response.json()["message"]
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
