"""dvc.lock: params that are none of ours are refused in one line, as is what DVC does not write."""

import pytest

from softmax.errors import DataError
from softmax.provenance import lock

<<<<<<< HEAD
START = b"stages:\n  train:\n"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff", id="not UTF-8"),
        pytest.param(b"[" * 5000, id="deep"),
        pytest.param(b"stages: 2026-13-45", id="no such day"),
        pytest.param(START, id="a stage of nothing"),
        pytest.param(START + b"    outs:\n    - path: a", id="no MD5"),
        pytest.param(START + b"    params: {params.yaml: {1: 2}}", id="key a number"),
    ],
)
def test_what_dvc_does_not_write_is_one_line(content: bytes) -> None:
    with pytest.raises(
        DataError,
        match=r"^dvc\.lock is corrupted\. Restore it with `git checkout HEAD -- dvc\.lock`",
    ):
        lock.parse(content)

=======
>>>>>>> trim6

@pytest.mark.parametrize("key", ["train", "train.seed.x", "evaluate.samples.0"])
def test_params_that_are_none_of_ours_are_one_line(key: str) -> None:
    stages = lock.parse(f"stages: {{train: {{params: {{params.yaml: {{{key}: 1}}}}}}}}".encode())
    with pytest.raises(DataError, match="not the params of this version"):
        lock.params(stages)


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 5000, b"stages: {train: }"])
def test_what_dvc_does_not_write_is_one_line(content: bytes) -> None:
    with pytest.raises(DataError, match=r"^dvc\.lock: not what DVC writes; .*`dvc repro`$"):
        lock.parse(content)
