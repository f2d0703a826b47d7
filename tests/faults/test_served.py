"""The served model answers images, says 400 to anything else, and goes on."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from threading import Thread

import mlflow
import numpy as np
import pytest
import requests
import uvicorn
from helpers.digits import NAME, SIDE
from helpers.workspace import Workspace
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlflow.pyfunc import scoring_server

from softmax.core import data
from softmax.pipeline import catalog

DEADLINE = 30  # seconds for an answer, on a busy machine
ODD = ["0", "-1", "256", "1.5", "1e400", "NaN", "-Infinity", "null", "true", '"x"', "[]", "{}"]
ODD += ["[" * 50 + "]" * 50, '"' + "x" * 5000 + '"', '"\\ud800"', "1" + "0" * 18, "[[0,1]]", "\x00"]
ODD += ["9" * 400]
DEEP = b"[" * 5000  # at which MLflow's own reader gives up, with status 500
BODIES = [b"", b"[]", b"null", b"\xff\xfe", b"{}", b"a,b\n1,2", DEEP]
KEYS = ["inputs", "instances", "dataframe_split", "dataframe_records", "params", "", "x"]
JSON = "application/json"
TYPES = [JSON, "text/csv", "application/json; charset=utf-16", "text/html", "", "/"]


@pytest.fixture
def served(workspace: Workspace) -> Iterator[str]:
    """The address at which a trained model is served as `mlflow models serve` does it."""
    assert workspace.stage("train").status == 0  # which registers the model
    model = mlflow.pyfunc.load_model(f"models:/softmax-{NAME}/latest")
    server = uvicorn.Server(uvicorn.Config(scoring_server.init(model), log_level="critical"))
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/invocations"
        server.should_exit = True
        thread.join(DEADLINE)
        assert not thread.is_alive()


def ask(address: str, body: bytes, kind: str = JSON) -> requests.Response:
    """Return the answer to a body of this type."""
    return requests.post(address, body, headers={"Content-Type": kind}, timeout=DEADLINE)


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
    image = data.load(*catalog.test(NAME)).images[0]
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
