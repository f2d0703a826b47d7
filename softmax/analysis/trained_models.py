"""Read trained models and their results from the workspace, a git revision or DVC's cache."""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import git
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from softmax.analysis import images
from softmax.analysis.dataset_changes import Version
from softmax.core import idx, model
from softmax.errors import DataError
from softmax.pipeline import datasets, dvc_lock, files, paths
from softmax.pipeline.datasets import DatasetEntry, Description
from softmax.pipeline.params import ModelParams, Section

MODEL = (
    paths.WEIGHTS,
    paths.TRAIN_METRICS,
    paths.TEST_METRICS,
    paths.LOSSES,
    paths.EPOCHS,
    paths.PREDICTIONS,
    paths.LESSON_METRICS,
)
# The lecture's hyperparameters, the defaults in params.yaml, in the order used in names.
LECTURE = {"learning_rate": 0.001, "optimizer": "sgd", "batch_size": 64, "epochs": 5}
LECTURE |= {"schedule": "constant", "momentum": 0.9, "weight_decay": 0.0, "averaging": 0.0}
LECTURE |= {"validation": 0, "seed": 0}
LESSON = {"learning_rate": 2.0, "epochs": 40, "points": 50, "spread": 0.16, "seed": 0}
SHORT = {"learning_rate": "lr", "batch_size": "batch", "weight_decay": "decay"}
LISTED = 6  # a name with more values of a hyperparameter shows only the first and the last


def differences(configs: Sequence[Section], usual: Mapping[str, Any] = LECTURE) -> str:
    """Return a name that lists the hyperparameters that differ from `usual`, or "lecture" if none.

    The names of two models are equal only if all their hyperparameters are equal.
    """
    words = []
    for key, value in usual.items():
        values = {getattr(config, key) for config in configs}
        if values != {value}:
            text = listed(values)
            words.append(text if isinstance(value, str) else f"{SHORT.get(key, key)}={text}")
    return " ".join(words) or "lecture"


def listed(values: set[Any]) -> str:
    """Return the values in order, or only the first and the last of more than LISTED."""
    words = [str(value) for value in sorted(values)]
    return ",".join(words) if len(words) <= LISTED else f"{words[0]}..{words[-1]}"


class TrainedModel(NamedTuple):
    """The directory of a model's outputs, and the params that it was trained with."""

    directory: Path
    config: ModelParams

    def sha256(self) -> str:
        """Return the SHA-256 of the weights, which identifies the run in MLflow."""
        return files.sha256(self.directory / paths.WEIGHTS)

    def hyperparameters(self) -> str:
        """Return the hyperparameters that differ from the lecture's, as a short name."""
        return differences([self.config.train])

    def entry(self) -> Description:
        """Return the data set's entry from the dvc.lock of a revision, else from datasets.yaml.

        In the workspace it comes from datasets.yaml, because dvc.lock lacks a running stage.
        """
        dataset = self.config.download.dataset
        locked = self.directory != Path() and locked_entry(dvc_lock.load(self.directory), dataset)
        return Description.model_validate(locked) if locked else datasets.load()[dataset]

    def data_hashes(self) -> tuple[str, ...]:
        """Return the SHA-256 of each of FILES, from dvc.lock, else from datasets.yaml."""
        dataset = self.config.download.dataset
        download = self._stages().get("download", {})
        locked = download.get("params", {}).get(datasets.PATH.name, {})
        entry = zip(datasets.FILES, datasets.load()[dataset].sha256, strict=True)
        return tuple(locked.get(f"{dataset}.{file}.sha256", sha256) for file, sha256 in entry)

    def digest(self, context: str) -> str:
        """Return a digest that identifies the training, validation or test images (`context`)."""
        hashes = self.data_hashes()[2:] if context == "test" else self.data_hashes()[:2]
        validation_set = self.config.train.validation if context == "validation" else ""
        return hashlib.sha256(f"{''.join(hashes)}{validation_set}".encode()).hexdigest()[:16]

    def locked(self) -> dvc_lock.Stages:
        """Return the stages of dvc.lock that wrote or read the weights, if their outputs exist."""
        stages, md5 = self._stages(), files.md5(self.directory / paths.WEIGHTS)
        return {
            name: stage
            for name, stage in stages.items()
            if md5 in (dvc_lock.inputs(stages, name) | dvc_lock.outputs(stages, name)).values()
            and all((self.directory / path).exists() for path in dvc_lock.outputs(stages, name))
        }

    def _stages(self) -> dvc_lock.Stages:
        """Return the stages of dvc.lock, or {} if it does not exist yet."""
        return dvc_lock.load(self.directory) if (self.directory / dvc_lock.PATH).exists() else {}


def locked_entry(stages: dvc_lock.Stages, dataset: str) -> dict[str, Any]:
    """Return the description of a data set in dvc.lock, or {} if it is incomplete, as in sweeps."""
    params: dict[str, Any] = {}
    for stage in ("download", "train"):
        params |= stages.get(stage, {}).get("params", {}).get(datasets.PATH.name, {})
    names = {f"{dataset}.{name}": name for name in Description.model_fields}
    return {names[key]: params[key] for key in names} if names.keys() <= params.keys() else {}


def provenance(stages: dvc_lock.Stages) -> dict[str, str]:
    """Return MLflow tags that identify data and code, or {} if stage train has not run."""
    if not (inputs := dvc_lock.inputs(stages, "train")):
        return {}
    data = _data(inputs)
    code = [f"{md5}  {path}" for path, md5 in inputs.items() if path not in data]
    return {
        "dvc.data.md5": " ".join(data.values()),
        "dvc.code.md5": hashlib.md5("\n".join(code).encode(), usedforsecurity=False).hexdigest(),
    }


class Model(NamedTuple):
    """Weights and bias, float64 (classes, features + 1), and the entry of the data set."""

    name: str
    theta: NDArray[np.float64]
    entry: DatasetEntry


def of_workspace() -> Model:
    """Read the model in the workspace. Raise DataError if it differs from dvc.lock."""
    dvc_lock.verify(paths.WEIGHTS)
    trained_on = entry(dvc_lock.dataset(dvc_lock.load()))
    return Model("the workspace", model.load(paths.WEIGHTS, trained_on.size), trained_on)


def of_revision(name: str) -> Model:
    """Read the model of a commit, branch, tag or DVC experiment. Raise DataError if it has none."""
    from softmax.analysis import revisions  # DVC takes a second to import

    commit = revisions.find(Path(), name)
    with tempfile.TemporaryDirectory() as directory:
        revisions.check_out(Path(), commit, Path(directory), lambda _: [paths.WEIGHTS])
        dataset = dvc_lock.dataset(dvc_lock.load(Path(directory)))
        try:
            written = git.Repo().git.show(f"{commit}:{datasets.PATH.name}")
            entry = DatasetEntry.model_validate(YAML(typ="safe").load(written)[dataset])
        except (git.GitCommandError, YAMLError, KeyError, TypeError, ValidationError):
            raise DataError(
                f"{name}: its {datasets.PATH.name} has no valid entry {dataset!r}. Choose a "
                "different revision."
            ) from None
        return Model(name, model.load(Path(directory) / paths.WEIGHTS, entry.size), entry)


def entry(dataset: str) -> DatasetEntry:
    """Return the data set's entry in the workspace's datasets.yaml. Raise DataError if missing."""
    if found := datasets.load().get(dataset):
        return found
    raise DataError(f"{dataset}: not in datasets.yaml. Add it with `python -m softmax data add`.")


class Results(NamedTuple):
    """The results of a model, from dvc.lock and its outputs."""

    name: str
    params: dict[str, Any]
    data: dvc_lock.Hashes
    test_data: set[str]  # MD5s of the files of the test set
    code: dvc_lock.Hashes
    outputs: dvc_lock.Hashes
    metrics: dict[str, float]
    classes: pd.DataFrame  # recall and f1 of each class, by its name
    correct: NDArray[np.bool_]  # (n,), whether each test image was classified correctly
    losses: "pd.Series[float]"  # losses of the reported batches, by time in epochs
    tiles: NDArray[np.float64]  # weights, (classes, rows, columns)
    by_seed: Mapping[int, float] = MappingProxyType({})  # test accuracy by seed
    version: Version | None = None  # the images, read only if the compared data sets differ
    missing: str = ""  # why the images cannot be read

    def dataset(self) -> tuple[set[str], list[str]]:
        """Return what identifies the data set: the files' MD5s and the classes in order."""
        return set(self.data.values()), [*self.classes.index]


def read(name: str, directory: Path) -> Results:
    """Read results in `directory`, called `name`. Raise DataError if they differ from dvc.lock."""
    stages = dvc_lock.load(directory)
    inputs, outputs = dvc_lock.inputs(stages), dvc_lock.outputs(stages)
    for path in MODEL:
        if not (directory / path).exists() or files.md5(directory / path) != outputs.get(path):
            raise DataError(
                f"{name}: {path} differs from {dvc_lock.PATH}. Run `dvc checkout` or `dvc repro`."
            )
    train, test, lesson = (
        json.loads((directory / path).read_bytes())
        for path in (paths.TRAIN_METRICS, paths.TEST_METRICS, paths.LESSON_METRICS)
    )
    by_class = {key: test.pop(key) for key in ("precision", "recall", "f1")}
    losses, epochs, predictions = (
        pd.read_csv(directory / path) for path in (paths.LOSSES, paths.EPOCHS, paths.PREDICTIONS)
    )
    entry = locked_entry(stages, dvc_lock.dataset(stages))
    if not entry:
        raise DataError(
            f"{name}: {dvc_lock.PATH} has no classes or image shape in stage train. Choose a "
            "different revision, or check this revision out, run `dvc repro` and commit."
        )
    theta, data = model.load(directory / paths.WEIGHTS), _data(inputs)
    return Results(
        name=name,
        params=dvc_lock.values(stages),
        data=data,
        test_data=set(_data(dvc_lock.inputs(stages, "evaluate")).values()),
        code={  # all inputs except data, outputs, params.yaml and datasets.yaml
            path: md5
            for path, md5 in inputs.items()
            if path not in data | outputs and path.suffix != ".yaml"
        },
        outputs={path: md5 for path, md5 in outputs.items() if path.parts[0] != "data"},
        metrics={f"test_{key}": value for key, value in test.items()}
        | train
        | {f"lesson_{key}": value for key, value in lesson.items()},
        classes=pd.DataFrame(by_class, entry["classes"])[["recall", "f1"]],
        correct=(predictions["label"] == predictions["prediction"]).to_numpy(),
        losses=pd.Series(losses["loss"].array, losses["step"] / epochs["step"][0]),
        tiles=images.tiles(theta, tuple(entry["shape"])),
    )


def data_files(stages: dvc_lock.Stages) -> list[Path]:
    """Return the four files of the data set: training images and labels, test images and labels."""
    dataset = dvc_lock.dataset(stages)
    return [*datasets.training_files(dataset), *datasets.test_files(dataset)]


def version(directory: Path) -> Version:
    """Read the data set of the dvc.lock in `directory`. Raise FormatError if a file is missing."""
    stages = dvc_lock.load(directory)
    entry = locked_entry(stages, dvc_lock.dataset(stages))
    dimensions = [len(entry["shape"]) + 1, 1] * 2
    files = zip(data_files(stages), dimensions, strict=True)
    arrays = [idx.read(directory / path, count) for path, count in files]
    return Version(entry["classes"], (arrays[0], arrays[1]), (arrays[2], arrays[3]))


def _data(hashes: dvc_lock.Hashes) -> dvc_lock.Hashes:
    return {path: md5 for path, md5 in hashes.items() if path.parts[0] == "data"}
