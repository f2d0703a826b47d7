"""Test that a dvc.lock with unknown params or invalid content is rejected in one line."""

from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from softmax.errors import DataError
from softmax.pipeline import dvc_lock
from softmax.pipeline.datasets import FILES


@pytest.mark.parametrize("key", ["train", "train.seed.x", "evaluate.samples.0"])
def test_unknown_params_in_dvc_lock_give_one_line(key: str) -> None:
    stages = dvc_lock.parse(b"stages: {train: {params: {params.yaml: {%b: 1}}}}" % key.encode())
    with pytest.raises(DataError, match="params from a different version"):
        dvc_lock.params(stages)


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 5000, b"stages: {train: }"])
def test_an_invalid_dvc_lock_gives_one_line(content: bytes) -> None:
    with pytest.raises(DataError, match=r"^dvc\.lock is corrupted\. Restore it"):
        dvc_lock.parse(content)


@pytest.mark.usefixtures("workspace")
def test_dvc_params_show_lists_each_param_once() -> None:
    """DVC repeats params if a stage names an entry of datasets.yaml and another stage its parts."""
    entry = yaml.safe_load(Path("datasets.yaml").read_text())["digits"]
    written = {key: entry[key] for key in ("images", "shape", "classes")}
    written |= {file: {"sha256": entry[file]["sha256"]} for file in FILES}
    with Repo() as repo:
        shown = repo.params.show()[""]["data"]["datasets.yaml"]["data"]
    assert shown == {"digits": written}
