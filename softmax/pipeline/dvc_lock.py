"""What dvc.lock says of a pipeline that has run: params, and MD5s of what it read and made."""

import functools
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML

from softmax.errors import DataError
from softmax.pipeline import files
from softmax.pipeline.params import ModelParams

PATH = Path("dvc.lock")
RESULTS = ("train", "evaluate", "export")  # the stages that make a model and its pictures
SHOWN = (*RESULTS, "report")  # and that MLflow shows of it


class File(BaseModel):
    """What a stage read or made."""

    path: str
    md5: str


class Stage(BaseModel):
    """A stage as it ran; what else DVC writes is not read here."""

    deps: list[File] = []
    outs: list[File] = []
    params: dict[str, dict[str, Any]] = {}


class Lock(BaseModel):
    """A dvc.lock."""

    stages: dict[str, Stage]


Stages = dict[str, Any]
Hashes = dict[Path, str]


def load(directory: Path = Path()) -> Stages:
    """The stages of the dvc.lock in `folder`; DataError if there is none."""
    try:
        return parse((directory / PATH).read_bytes())
    except FileNotFoundError:
        raise DataError(f"{PATH}: not found. Run `dvc repro`.") from None


@functools.lru_cache(maxsize=8)  # a stage that logs looks at its lock ten times
def parse(content: bytes) -> Stages:
    """Return the stages of a dvc.lock, which nobody may change; DataError if it is none."""
    try:
        written = YAML(typ="safe").load(content)  # as DVC does
        Lock.model_validate(written)
    except Exception:  # whatever a parser comes upon in what is no lock
        raise DataError(
            f"{PATH} is corrupted. Restore it with `git checkout HEAD -- {PATH}`, or in a merge "
            "rebuild it with `python -m softmax resolve`."
        ) from None
    stages: Stages = written["stages"]
    return stages


def values(stages: Stages) -> dict[str, Any]:
    """The params with which the stages ran, in any version: {"train.epochs": 5}."""
    found: dict[str, Any] = {}
    for name in (*stages, *reversed(RESULTS)):  # what shows the results may be older than they are
        found |= stages.get(name, {}).get("params", {}).get("params.yaml", {})
    return found


def dataset(stages: Stages) -> str:
    """The data set that the stages ran on; DataError if none is named."""
    if name := values(stages).get("download.dataset"):
        return str(name)
    raise DataError(f"{PATH}: has no data set. Run `dvc repro`.")


def params(stages: Stages) -> ModelParams:
    """The params of the model; DataError if they are others than of today."""
    sections: dict[str, dict[str, Any]] = {}
    for key, value in values(stages).items():
        section, _, leaf = key.partition(".")
        if section in ModelParams.model_fields:
            sections.setdefault(section, {})[leaf] = value
    try:
        return ModelParams.model_validate(sections)
    except ValidationError:
        raise DataError(f"{PATH}: params of a different version. Run `dvc repro`.") from None


def inputs(stages: Stages, name: str) -> Hashes:
    """The MD5 of each file that stage `name` depends on, none if it has not run."""
    return {Path(dep["path"]): dep["md5"] for dep in stages.get(name, {}).get("deps", [])}


def outputs(stages: Stages, name: str) -> Hashes:
    """The MD5 of each output of stage `name`, none if it has not run; a folder's ends in .dir."""
    return {Path(out["path"]): out["md5"] for out in stages.get(name, {}).get("outs", [])}


def verify(*paths: Path) -> None:
    """Raise DataError if a file or folder is not what dvc.lock has of it.

    What dvc.lock does not know, or is not here, passes.
    """
    stages = load() if PATH.exists() else {}
    known = {path: md5 for name in stages for path, md5 in outputs(stages, name).items()}
    for path in paths:
        if path in known and path.exists() and files.md5(path) != known[path]:
            raise DataError(f"{path}: differs from {PATH}. Run `dvc repro`.")


def shown(stages: Stages) -> list[Path]:
    """The outputs that MLflow shows of a model."""
    return [path for name in SHOWN for path in outputs(stages, name)]
