"""The facts of one trained model, as they lie on disk: what a run in MLflow is made from."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from softmax.pipeline import catalog, files, paths
from softmax.pipeline.catalog import Pinned
from softmax.pipeline.params import ModelParams
from softmax.provenance import lock


class Facts(NamedTuple):
    """The folder in which the facts of a model lie, and the params it was trained with."""

    folder: Path
    settings: ModelParams

    def sha256(self) -> str:
        """What links them to a run: the hash of the weights."""
        return files.sha256(self.folder / paths.WEIGHTS)

    def recipe(self) -> str:
        """The params that people compare, in a few words."""
        train = self.settings.train
        name = f"{train.optimizer} lr={train.learning_rate:g} b={train.batch_size}"
        return f"{name} e={train.epochs}"

    def pinned(self) -> Pinned:
        """The data set as the dvc.lock of a revision has it, else as of today.

        In the workspace as of today, since a stage that runs is not in dvc.lock yet.
        """
        dataset = self.settings.download.dataset
        locked = self.folder != Path() and locked_entry(lock.load(self.folder), dataset)
        return Pinned.model_validate(locked) if locked else catalog.load()[dataset]

    def pins(self) -> tuple[str, ...]:
        """The SHA-256 of each file of the data set: that of dvc.lock, which may be of the past."""
        dataset, path = self.settings.download.dataset, self.folder / lock.PATH
        download = lock.load(self.folder).get("download", {}) if path.exists() else {}
        locked = download.get("params", {}).get(catalog.PATH.name, {})
        pinned = zip(catalog.FILES, catalog.load()[dataset].sha256, strict=True)
        return tuple(locked.get(f"{dataset}.{file}", sha256) for file, sha256 in pinned)

    def digest(self, context: str) -> str:
        """What tells the images of `context`, training, validation or test, from all others."""
        pins = self.pins()[2:] if context == "test" else self.pins()[:2]
        held_out = self.settings.train.validation if context == "validation" else ""
        return hashlib.sha256(f"{''.join(pins)}{held_out}".encode()).hexdigest()[:16]

    def locked(self) -> lock.Stages:
        """The stages of dvc.lock that made or read these weights, if their outputs are here."""
        if not (self.folder / lock.PATH).exists():
            return {}
        stages, md5 = lock.load(self.folder), files.md5(self.folder / paths.WEIGHTS)
        return {
            name: stage
            for name, stage in stages.items()
            if md5 in (lock.inputs(stages, name) | lock.outputs(stages, name)).values()
            and all((self.folder / path).exists() for path in lock.outputs(stages, name))
        }

    def provenance(self) -> dict[str, str]:
        """Tags that tell whether two models had the same data and the same code, from dvc.lock."""
        return provenance(self.locked())


def locked_entry(stages: lock.Stages, dataset: str) -> dict[str, Any]:
    """What a dvc.lock has of an entry of datasets.yaml, nothing if only a sweep wrote it."""
    params: dict[str, Any] = {}
    for stage in ("download", "train"):
        params |= stages.get(stage, {}).get("params", {}).get(catalog.PATH.name, {})
    start = f"{dataset}."
    return {key.removeprefix(start): params[key] for key in params if key.startswith(start)}


def provenance(stages: lock.Stages) -> dict[str, str]:
    """The same tags from the stages of a dvc.lock, none if it has no training."""
    inputs = lock.inputs(stages, "train")
    if not inputs:
        return {}
    data = {path: md5 for path, md5 in inputs.items() if path.parts[0] == "data"}
    code = [f"{md5}  {path}" for path, md5 in inputs.items() if path not in data]
    return {
        "dvc.data.md5": " ".join(data.values()),
        "dvc.code.md5": hashlib.md5("\n".join(code).encode(), usedforsecurity=False).hexdigest(),
    }
