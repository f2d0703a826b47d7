"""Test that the served model predicts images, and answers invalid requests with status 4xx."""

import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import requests
from helpers.clones import BIN
from helpers.digits import SIDE
from helpers.runs import NAME
from helpers.stores import answering, free_port
from helpers.workspace import Workspace

from softmax.core import batches
from softmax.pipeline import datasets, paths

pytestmark = pytest.mark.end_to_end
TIMEOUT = 30  # seconds for a response, on a busy machine
BAD = ["-1", "256", "1.5", "1e400", "NaN", "-Infinity", "null", "true", '"x"', "[]", "{}", "\x00"]
BAD += ["[" * 50 + "]" * 50, '"' + "x" * 5000 + '"', '"\\ud800"', "1" + "0" * 18, "9" * 400]


def ask(address: str, body: bytes) -> requests.Response:
    headers = {"Content-Type": "application/json"}
    return requests.post(address, body, headers=headers, timeout=TIMEOUT)


def test_a_served_model_rejects_invalid_requests_and_then_predicts_as_the_pipeline(
    workspace: Workspace, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    workspace.tool("track")
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [str(BIN / "mlflow"), "models", "serve", "-m", f"models:/{NAME}/1"]
    command += ["--env-manager", "local", "--port", str(port)]
    environment = {"PATH": f"{BIN}:{os.environ['PATH']}"}
    images = batches.load(*datasets.test("digits")).images
    expected = pd.read_csv(paths.PREDICTIONS).drop(columns="label")
    expected["class"] = expected["prediction"].astype(str)
    with answering(f"{address}/ping", tmp_path, command, environment):
        address += "/invocations"
        response = ask(address, json.dumps({"inputs": [[0] * 63]}).encode())
        assert "shape (1, 63) should be (n, 64) or (n, 8, 8)" in response.json()["message"]
        pairs = [*itertools.product(BAD, ("inputs", "instances", "dataframe_split", "x"))]
        record_property("cases", 3 * len(pairs))
        for value, key in pairs:
            for body in (f"[[{'0,' * (SIDE * SIDE - 1)}{value}]]", f"[{value}]", value):
                response = ask(address, f'{{"{key}": {body}}}'.encode())
                assert 400 <= response.status_code < 500, (value, response.text[:999])
        for form in (images, images.reshape(-1, SIDE, SIDE) / np.float32(255)):
            response = ask(address, json.dumps({"inputs": form.tolist()}).encode())
            assert response.status_code == 200, response.text[:500]
            found = pd.DataFrame(response.json()["predictions"])
            pd.testing.assert_frame_equal(found, expected, check_exact=True)
