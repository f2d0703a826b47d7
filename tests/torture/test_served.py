"""The served model answers images, says 400 to anything else, and goes on."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from random import Random
from threading import Thread
from typing import Any

import mlflow
import numpy as np
import pytest
import requests
import uvicorn
from mlflow.pyfunc import scoring_server
from old_fixtures import Workspace
from tally import Tally

from softmax.core import data
from softmax.pipeline import catalog
from stages import train

DEADLINE = 30  # seconds for an answer, on a busy machine
ODD = [
    "0",
    "-1",
    "256",
    "1.5",
    "1e400",
    "NaN",
    "-Infinity",
    "null",
    "true",
    '"x"',
    "[]",
    "{}",
    "9" * 400,
]
ODD += ["[" * 50 + "]" * 50, '"' + "x" * 5000 + '"', '"\\ud800"', "1" + "0" * 18, "[[0,1]]", "\x00"]
DEEP = b"[" * 5000  # at which MLflow's own reader gives up, with status 500
KEYS = ["inputs", "instances", "dataframe_split", "dataframe_records", "params", "", "x"]
TYPES = ["application/json", "text/csv", "application/json; charset=utf-16", "text/html", "", "/"]


@pytest.fixture
def served(workspace: Workspace) -> Iterator[str]:
    """The address at which a trained model is served as `mlflow models serve` does it."""
    workspace(train={"epochs": 1})
    train.main()
    model = mlflow.pyfunc.load_model("models:/softmax-mnist/latest")
    server = uvicorn.Server(uvicorn.Config(scoring_server.init(model), log_level="critical"))
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/invocations"
        server.should_exit = True
        thread.join(DEADLINE)
        assert not thread.is_alive()


PROBABILITIES = [f"p{k}" for k in range(10)]


def ask(address: str, content: bytes | str, kind: str = TYPES[0]) -> requests.Response:
    """The answer to `content` of this type."""
    body = content if isinstance(content, bytes) else content.encode()
    headers = {"Content-Type": kind}
    return requests.post(address, body, headers=headers, timeout=DEADLINE)


def test_requests(tally: Tally, served: str) -> None:
    image = data.load(*catalog.test("mnist")).images[0]
    good = json.dumps({"inputs": [image.tolist()]})
    expected = ask(served, good).json()

    def attempt(random: Random) -> None:
        body = damaged(random, image)
        answer = ask(served, body, random.choice([*TYPES[:1] * 30, *TYPES]))
        status = answer.status_code
        assert status == 200 or 400 <= status < 500 or body == DEEP, answer.text[:999]
        if status == 200:
            assert_probabilities(answer.json()["predictions"])
        if random.random() < 0.1:
            assert ask(served, good).json() == expected

    tally.run("requests", attempt, short=100, long=3_000)


def assert_probabilities(rows: list[dict[str, float]]) -> None:
    """That an answer is one of this model."""
    for row in rows:
        assert row.keys() == {"prediction", "class", *PROBABILITIES}
        assert sum(row[name] for name in PROBABILITIES) == pytest.approx(1)


def damaged(random: Random, image: np.ndarray) -> bytes | str:
    """A request with something wrong in a pixel, a row, the shape, the keys, or the bytes."""
    pixels: list[Any] = [str(x) for x in image.tolist()]
    match random.randrange(8):
        case 0:
            pixels[random.randrange(784)] = random.choice(ODD)
        case 1:
            del pixels[random.randrange(784) :]
        case 2:
            pixels += random.choices(ODD, k=random.randrange(3))
        case 3:
            pixels = [random.choice(ODD)] * random.choice([1, 28, 784])
        case 4:
            pixels = [
                f"[{','.join(pixels[k : k + 28])}]" for k in range(0, 784, random.choice((28, 27)))
            ]
        case 5:
            pixels = [f"{random.random() * random.choice((1, 1, 2))}" for _ in pixels]
    row = f"[{','.join(pixels)}]"
    rows = random.choice(
        [*[f"[{row}]"] * 5, f"[{row},{row}]", row, f"[{row},[0]]", f"[[{row}]]", "[]"]
    )
    key = random.choice([*KEYS[:1] * 20, *KEYS])
    body = f'{{"{key}": {rows}}}'.encode()
    match random.randrange(6):
        case 0:
            return random.choice([b"", b"[]", b"null", b"\xff\xfe", b"{}", b"a,b\n1,2", DEEP])
        case 1:
            here = random.randrange(len(body))
            return body[:here] + random.randbytes(random.randrange(4)) + body[here + 1 :]
    return body
