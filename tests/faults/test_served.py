"""The served model answers images, says 400 to anything else, and goes on."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import requests
from helpers.clones import BIN
from helpers.digits import SIDE
from helpers.rows import NAME
from helpers.stores import answering, free_port
from helpers.workspace import Workspace

from softmax.core import batches
from softmax.pipeline import datasets, paths

pytestmark = pytest.mark.end_to_end
DEADLINE = 30  # seconds for an answer, on a busy machine
ODD = ["-1", "256", "1.5", "1e400", "NaN", "-Infinity", "null", "true", '"x"', "[]", "{}", "\x00"]
ODD += ["[" * 50 + "]" * 50, '"' + "x" * 5000 + '"', '"\\ud800"', "1" + "0" * 18, "9" * 400]


@pytest.fixture
def served(workspace: Workspace, tmp_path: Path) -> Iterator[str]:
    """The address at which the model is served, by a server that runs elsewhere."""
    workspace.tool("track")
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [str(BIN / "mlflow"), "models", "serve", "-m", f"models:/{NAME}/1"]
    command += ["--env-manager", "local", "--port", str(port)]
    environment = {"PATH": f"{BIN}:{os.environ['PATH']}"}
    with answering(f"{address}/ping", tmp_path, command, environment):
        yield f"{address}/invocations"


def ask(address: str, body: bytes) -> requests.Response:
    headers = {"Content-Type": "application/json"}
    return requests.post(address, body, headers=headers, timeout=DEADLINE)


def test_it_gives_the_answers_of_the_pipeline(served: str) -> None:
    images = batches.load(*datasets.test("digits")).images
    expected = pd.read_csv(paths.PREDICTIONS).drop(columns="label")
    expected["class"] = expected["prediction"].astype(str)
    for form in (images, images.reshape(-1, SIDE, SIDE) / np.float32(255)):
        answer = ask(served, json.dumps({"inputs": form.tolist()}).encode())
        assert answer.status_code == 200, answer.text[:500]
        found = pd.DataFrame(answer.json()["predictions"])
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
    refusal = ask(served, json.dumps({"inputs": [[0] * 63]}).encode())
    assert refusal.status_code == 400
    assert "shape (1, 63) should be (n, 64) or (n, 8, 8)" in refusal.json()["message"]


@pytest.mark.extended
@pytest.mark.parametrize("row", ODD)
def test_an_odd_request_is_refused_and_the_server_goes_on(row: str, served: str) -> None:
    pixels = ["0"] * (SIDE * SIDE - 1)
    for body in (f"[[{','.join([*pixels, row])}]]", f"[{row}]", row):
        for key in ("inputs", "instances", "dataframe_split", "x"):
            answer = ask(served, f'{{"{key}": {body}}}'.encode())
            assert 400 <= answer.status_code < 500, answer.text[:999]
    good = json.dumps({"inputs": [[0] * SIDE * SIDE]}).encode()
    assert ask(served, good).status_code == 200
