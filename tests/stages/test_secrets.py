"""No password of a mirror's address leaves by any way: terminal, MLflow, files."""

import functools
import json
import sys
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from mlflow import MlflowClient
from old_fixtures import Workspace

from softmax.pipeline import catalog
from stages import download
from tools import pin

SECRET = "s3cret"  # noqa: S105 (nobody's)
FORMS = {  # of an address, and whether it gives the data
    f"http://me:{SECRET}@{{host}}": True,
    f"http://{SECRET}@{{host}}": True,
    f"http://{{host}}/.?token={SECRET}": False,
    f"http://me:{SECRET}/and@more@{{host}}": False,
    f"http://me:{SECRET}@127.0.0.1:1/{SECRET}@": False,
    f"me:{SECRET}@{{host}}": False,
    f"HTTP://{{host}}/#{SECRET}": False,
}


@pytest.fixture
def host(workspace: Workspace) -> Iterator[str]:
    """A mirror of the workspace's MNIST, which the workspace has no more."""
    folder = workspace()
    (folder / "data/mnist").rename(folder / "mirror")
    handler = functools.partial(Quiet, directory=str(folder / "mirror"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing of requests."""

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(autouse=True)
def alone(host: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 (its workspace)
    """No other source, all told, and a datasets.yaml of its own."""
    monkeypatch.setenv("VERBOSE", "1")
    monkeypatch.setattr(catalog, "PATH", Path("datasets.yaml").absolute())
    catalog.PATH.write_text("{}\n")
    monkeypatch.setattr("torchvision.datasets.MNIST.mirrors", [])
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("PIP_RETRIES", "0")


@pytest.mark.parametrize("form", FORMS)
def test_by_no_way(
    form: str,
    host: str,
    store: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    address = form.format(host=host)
    monkeypatch.setenv("MNIST_MIRROR", address)
    statuses: list[object] = []
    for main, arguments in ((download.main, []), (pin.main, ["mine", address])):
        monkeypatch.setattr(sys, "argv", ["main", *arguments])
        try:
            main()
            statuses.append(0)
        except SystemExit as end:
            statuses.append(end.code)

    assert statuses == ([0, 0] if FORMS[form] else [2, 2])
    client = MlflowClient(store)
    found = client.get_experiment_by_name("downloads")
    runs = client.search_runs([found.experiment_id]) if found else []
    tags = json.dumps([run.data.tags for run in runs])
    assert not FORMS[form] or host in tags
    printed = capsys.readouterr()
    for way in (printed.out, printed.err, tags, catalog.PATH.read_text()):
        assert SECRET not in way
