"""No password of a mirror's address leaves by any way: terminal, MLflow, files."""

import json
import shutil
from pathlib import Path

import pytest
from download.sites import Serve, body
from helpers.rows import rows
from helpers.workspace import Workspace

from softmax.pipeline import datasets

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


@pytest.mark.parametrize("form", FORMS)
def test_by_no_way(workspace: Workspace, serve: Serve, form: str) -> None:
    files = [*Path("data/digits").iterdir()]
    host = serve({path.name: body(path.read_bytes()) for path in files}).removeprefix("http://")
    shutil.rmtree(".dvc/cache")
    for path in files:
        path.unlink()
    address = form.format(host=host)
    workspace.monkeypatch.setenv("MNIST_MIRROR", address)
    workspace.monkeypatch.setenv("VERBOSE", "1")
    results = [workspace.stage("download"), workspace.tool("data add", "mine", address)]

    assert [printed.status for printed in results] == ([0, 0] if FORMS[form] else [2, 2])
    tags = json.dumps([run.data.tags for run in rows(workspace.store, "downloads")])
    assert not FORMS[form] or host in tags
    for way in (*(p.out + p.err for p in results), tags, datasets.PATH.read_text()):
        assert SECRET not in way
