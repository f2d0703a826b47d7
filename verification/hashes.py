"""Whether a folder holds what dvc.lock has, as DVC hashes it."""

from pathlib import Path

from softmax.errors import DataError
from softmax.pipeline import dvc_lock, files
from softmax.pipeline.dvc_lock import Hashes, Stages


def load() -> Stages:
    """Read dvc.lock; DataError unless the data that it names are there."""
    stages = dvc_lock.load()
    if wrong := differences(Path(), dvc_lock.outputs(stages, "download")):
        raise DataError(f"{wrong[0]}: not the data of dvc.lock; run `dvc repro download`")
    return stages


def results(stages: Stages) -> Hashes:
    """The MD5 of each output of train, evaluate and export."""
    return {k: v for name in dvc_lock.RESULTS for k, v in dvc_lock.outputs(stages, name).items()}


def differences(folder: Path, locked: Hashes) -> list[Path]:
    """The paths of which `folder` does not hold the locked bytes."""
    return [
        path
        for path, wanted in locked.items()
        if not (folder / path).exists() or files.md5(folder / path) != wanted
    ]
