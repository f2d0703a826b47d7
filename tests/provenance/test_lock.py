"""dvc.lock: read as DVC writes it, refused in one line if it is anything else."""

import pytest
from helpers.shared import ROOT

from softmax.errors import DataError
from softmax.provenance import lock

START = b"stages:\n  train:\n"


def test_reads_the_lock_of_the_repository() -> None:
    stages = lock.load(ROOT)
    assert set(lock.SHOWN) <= set(stages)
    assert lock.params(stages).train.epochs == lock.values(stages)["train.epochs"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff", id="not UTF-8"),
        pytest.param(b"[" * 5000, id="deep"),
        pytest.param(b"stages: 2026-13-45", id="no such day"),
        pytest.param(b"schema: '2.0'", id="no stages"),
        pytest.param(b"stages: [train]", id="stages a list"),
        pytest.param(START, id="a stage of nothing"),
        pytest.param(START + b"    deps: data", id="deps a word"),
        pytest.param(START + b"    outs:\n    - path: a", id="no MD5"),
        pytest.param(START + b"    outs:\n    - path: [a]\n      md5: b", id="path a list"),
        pytest.param(START + b"    params: [train.seed]", id="params a list"),
        pytest.param(START + b"    params: {params.yaml: {1: 2}}", id="key a number"),
    ],
)
def test_what_dvc_does_not_write_is_one_line(content: bytes) -> None:
    with pytest.raises(
        DataError,
        match=r"^dvc\.lock is corrupted\. Restore it with `git checkout HEAD -- dvc\.lock`",
    ):
        lock.parse(content)


@pytest.mark.parametrize("key", ["train", "train.seed.x", "train.", "evaluate.samples.0"])
def test_params_of_another_version_are_one_line(key: str) -> None:
    stages = lock.parse(START + f"    params: {{params.yaml: {{{key}: 1}}}}".encode())
    with pytest.raises(DataError, match="not the params of this version"):
        lock.params(stages)
