"""Read from dvc.lock with which params a pipeline ran, and the MD5s of its inputs and outputs."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML

from softmax.errors import DataError
from softmax.pipeline import files
from softmax.pipeline.params import ModelParams

PATH = Path("dvc.lock")
RESULTS = ("train", "evaluate", "export")  # the stages that make a model and its images
SHOWN = (*RESULTS, "report")  # the stages whose outputs MLflow shows


class File(BaseModel):
    """An input or output of a stage."""

    path: str
    md5: str


class Stage(BaseModel):
    """A stage as it ran; other fields of DVC are ignored."""

    deps: list[File] = []
    outs: list[File] = []
    params: dict[str, dict[str, Any]] = {}


class Lock(BaseModel):
    stages: dict[str, Stage]


Stages = dict[str, Any]
Hashes = dict[Path, str]


def load(directory: Path = Path()) -> Stages:
    """Return the stages of the dvc.lock in `directory`; DataError if it does not exist."""
    try:
        return parse((directory / PATH).read_bytes())
    except FileNotFoundError:
        raise DataError(f"{PATH}: not found. Run `dvc repro`.") from None


@functools.lru_cache(maxsize=8)  # a stage that logs reads dvc.lock ten times
def parse(content: bytes) -> Stages:
    """Return the stages of a dvc.lock, cached, so do not change them; DataError if invalid."""
    try:
        written = YAML(typ="safe").load(content)  # as DVC does
        Lock.model_validate(written)
    except Exception:  # parsers of invalid YAML raise many kinds
        raise DataError(
            f"{PATH} is corrupted. Restore it with `git checkout HEAD -- {PATH}`, or in a merge "
            "rebuild it with `python -m softmax resolve`."
        ) from None
    stages: Stages = written["stages"]
    return stages


def values(stages: Stages) -> dict[str, Any]:
    """Return the params with which the stages of any version ran: {"train.epochs": 5}."""
    found: dict[str, Any] = {}
    for name in (*stages, *reversed(RESULTS)):  # the stage report may be older than the results
        found |= stages.get(name, {}).get("params", {}).get("params.yaml", {})
    return found


def dataset(stages: Stages) -> str:
    """Return the name of the data set that the stages ran on; DataError if it is missing."""
    if name := values(stages).get("download.dataset"):
        return str(name)
    raise DataError(f"{PATH}: has no data set. Run `dvc repro`.")


def params(stages: Stages) -> ModelParams:
    """Return the params of the model; DataError if the current version has different keys."""
    sections: dict[str, dict[str, Any]] = {}
    for key, value in values(stages).items():
        section, _, leaf = key.partition(".")
        if section in ModelParams.model_fields:
            sections.setdefault(section, {})[leaf] = value
    try:
        return ModelParams.model_validate(sections)
    except ValidationError:
        raise DataError(f"{PATH}: params of a different version. Run `dvc repro`.") from None


def inputs(stages: Stages, *names: str) -> Hashes:
    """Return the MD5 of each file that these stages, by default all, depend on."""
    return _hashes(stages, "deps", names)


def outputs(stages: Stages, *names: str) -> Hashes:
    """Return the MD5 of each output of these stages, by default all; of directories with .dir."""
    return _hashes(stages, "outs", names)


def _hashes(stages: Stages, kind: str, names: Sequence[str]) -> Hashes:
    found = [file for name in names or stages for file in stages.get(name, {}).get(kind, [])]
    return {Path(file["path"]): file["md5"] for file in found}


def verify(*paths: Path) -> None:
    """Raise DataError if a file or directory differs from dvc.lock.

    Paths that are not in dvc.lock, or do not exist, pass.
    """
    known = outputs(load()) if PATH.exists() else {}
    for path in paths:
        if path in known and path.exists() and files.md5(path) != known[path]:
            raise DataError(f"{path}: differs from {PATH}. Run `dvc repro`.")


def shown(stages: Stages) -> list[Path]:
    """Return the outputs that MLflow shows for a model."""
    return [*outputs(stages, *SHOWN)]
