"""The served model answers images, says 400 to anything else, and goes on."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import requests
from helpers.clones import BIN
from helpers.digits import SIDE
from helpers.rows import NAME
from helpers.stores import free_port, wait_for
from helpers.workspace import Workspace
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from softmax.core import batches
from softmax.pipeline import datasets, paths

pytestmark = pytest.mark.end_to_end
DEADLINE = 30  # seconds for an answer, on a busy machine
ODD = ["-1", "256", "1.5", "1e400", "NaN", "-Infinity", "null", "true", '"x"', "[]", "{}", "\x00"]
ODD += ["[" * 50 + "]" * 50, '"' + "x" * 5000 + '"', '"\\ud800"', "1" + "0" * 18, "9" * 400]
DEEP = b"[" * 5000  # at which MLflow's own reader gives up, with status 500
BODIES = [b"", b"[]", b"null", b"\xff\xfe", b"{}", b"a,b\n1,2", DEEP]
KEYS = ["inputs", "instances", "dataframe_split", "dataframe_records", "params", "", "x"]
JSON = "application/json"
TYPES = [JSON, "text/csv", "application/json; charset=utf-16", "text/html", "", "/"]


@pytest.fixture
def served(workspace: Workspace, tmp_path: Path) -> Iterator[str]:
    """The address at which the model is served, by a server that runs elsewhere."""
    workspace.tool("track")
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [str(BIN / "mlflow"), "models", "serve", "-m", f"models:/{NAME}/1"]
    command += ["--env-manager", "local", "--port", str(port)]
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd="/", env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_for(f"{address}/ping", process, tmp_path / "log")
        yield f"{address}/invocations"
        assert process.poll() is None
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ask(address: str, body: bytes, kind: str = JSON) -> requests.Response:
    """Return the answer to a body of this type."""
    return requests.post(address, body, headers={"Content-Type": kind}, timeout=DEADLINE)


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


@st.composite
def requested(draw: st.DrawFn) -> tuple[bytes, str]:
    """Draw a request with something wrong in a row, the shape, the keys, the bytes or the type."""
    size = draw(st.sampled_from([SIDE * SIDE] * 3 + [1, SIDE, SIDE * SIDE + 1]))
    pixels = [str(x) for x in draw(st.lists(st.integers(0, 255), min_size=size, max_size=size))]
    match draw(st.sampled_from(["good", "odd", "lines", "fractions"])):
        case "odd":
            pixels[draw(st.integers(0, size - 1))] = draw(st.sampled_from(ODD))
        case "lines":
            step = draw(st.sampled_from([SIDE, SIDE - 1]))
            pixels = [f"[{','.join(pixels[k : k + step])}]" for k in range(0, size, step)]
        case "fractions":
            pixels = [f"{int(x) / 200}" for x in pixels]
    row, key = f"[{','.join(pixels)}]", draw(st.sampled_from(["inputs", *KEYS]))
    shapes = [f"[{row}]"] * 3 + [f"[{row},{row}]", row, f"[{row},[0]]", f"[[{row}]]", "[]"]
    body = f'{{"{key}": {draw(st.sampled_from(shapes))}}}'.encode()
    match draw(st.sampled_from(["whole", "whole", "other", "bytes"])):
        case "other":
            body = draw(st.sampled_from(BODIES))
        case "bytes":
            where = draw(st.integers(0, len(body) - 1))
            body = body[:where] + draw(st.binary(max_size=3)) + body[where + 1 :]
    return body, draw(st.sampled_from([JSON] * 9 + TYPES))


@pytest.mark.extended
def test_anything_is_answered_or_refused_and_the_server_goes_on(served: str) -> None:
    image = batches.load(*datasets.test("digits")).images[0]
    good = json.dumps({"inputs": [image.astype(int).tolist()]}).encode()
    expected = ask(served, good).json()
    answered: list[int] = []

    @settings(suppress_health_check=[HealthCheck.too_slow])
    @given(request=requested())
    def attempt(request: tuple[bytes, str]) -> None:
        answer = ask(served, *request)
        answered.append(answer.status_code)
        allowed = answer.status_code == 200 or 400 <= answer.status_code < 500
        assert allowed or request[0] == DEEP, answer.text[:999]
        if answer.status_code == 200:
            for row in answer.json()["predictions"]:
                assert {"prediction", "class"} < row.keys()
                assert np.isclose(sum(row[f"p{k}"] for k in range(10)), 1)

    attempt()
    assert {200, 400} <= {*answered}
    assert ask(served, good).json() == expected
