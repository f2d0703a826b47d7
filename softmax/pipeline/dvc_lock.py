"""Read dvc.lock: the params with which the pipeline ran, and MD5s of its inputs and outputs."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from ruamel.yaml import YAML

from softmax.errors import DataError
from softmax.pipeline import files
from softmax.pipeline.params import ModelParams

PATH = Path("dvc.lock")
RESULTS = ("train", "evaluate", "export")  # the stages that write the model and its results
SHOWN = (*RESULTS, "report")  # the stages whose outputs MLflow shows


class File(BaseModel):
    """An input or output of a stage."""

    path: str
    md5: str


class Stage(BaseModel):
    """A stage in dvc.lock, without DVC's other fields."""

    deps: list[File] = []
    outs: list[File] = []
    params: dict[str, dict[str, Any]] = {}


Stages = dict[str, Any]
Hashes = dict[Path, str]


def load(directory: Path = Path()) -> Stages:
    """Return the stages of dvc.lock in `directory`. Raise DataError if it is missing or invalid."""
    try:
        return parse((directory / PATH).read_bytes())
    except FileNotFoundError:
        raise DataError(f"{PATH}: not found. Run `dvc repro`.") from None


@functools.lru_cache(maxsize=8)  # a stage that logs reads dvc.lock ten times
def parse(content: bytes) -> Stages:
    """Return the stages, cached: do not modify them. Raise DataError if `content` is invalid."""
    try:
        stages: Stages = YAML(typ="safe").load(content)["stages"]  # as DVC does
        TypeAdapter(dict[str, Stage]).validate_python(stages)
    except Exception:  # parsers of invalid YAML raise many kinds
        raise DataError(
            f"{PATH} is corrupted. Restore it with `git checkout HEAD -- {PATH}`, or in a merge "
            "rebuild it with `python -m softmax resolve`."
        ) from None
    return stages


def values(stages: Stages) -> dict[str, Any]:
    """Return the params of the stages by key, without a check: {"train.epochs": 5}."""
    found: dict[str, Any] = {}
    for name in (*stages, *reversed(RESULTS)):  # RESULTS last, because report may be older
        found |= stages.get(name, {}).get("params", {}).get("params.yaml", {})
    return found


def dataset(stages: Stages) -> str:
    """Return the name of the data set that the stages used. Raise DataError if it is missing."""
    if name := values(stages).get("download.dataset"):
        return str(name)
    raise DataError(f"{PATH}: download.dataset is missing. Run `dvc repro`.")


def params(stages: Stages) -> ModelParams:
    """Return the params of the model. Raise DataError if the keys differ from ModelParams."""
    sections: dict[str, dict[str, Any]] = {}
    for key, value in values(stages).items():
        section, _, leaf = key.partition(".")
        if section in ModelParams.model_fields:
            sections.setdefault(section, {})[leaf] = value
    try:
        return ModelParams.model_validate(sections)
    except ValidationError:
        raise DataError(f"{PATH}: params from a different version. Run `dvc repro`.") from None


def inputs(stages: Stages, *names: str) -> Hashes:
    """Return the MD5 of each file that stages `names`, by default all, depend on."""
    return _hashes(stages, "deps", names)


def outputs(stages: Stages, *names: str) -> Hashes:
    """Return the MD5 of each output of stages `names`, by default all (.dir marks directories)."""
    return _hashes(stages, "outs", names)


def _hashes(stages: Stages, kind: str, names: Sequence[str]) -> Hashes:
    found = [file for name in names or stages for file in stages.get(name, {}).get(kind, [])]
    return {Path(file["path"]): file["md5"] for file in found}


def verify(*paths: Path) -> None:
    """Raise DataError if a file or directory differs from dvc.lock.

    Paths that are not in dvc.lock, or do not exist, are ignored.
    """
    known = outputs(load()) if PATH.exists() else {}
    for path in paths:
        if path in known and path.exists() and files.md5(path) != known[path]:
            raise DataError(f"{path}: differs from {PATH}. Run `dvc repro`.")


def shown(stages: Stages) -> list[Path]:
    """Return the outputs that MLflow shows for a model."""
    return [*outputs(stages, *SHOWN)]
