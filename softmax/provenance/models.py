"""A trained model to ask: its weights, and what they are weights of."""

import tempfile
from pathlib import Path
from typing import NamedTuple

import git
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from ruamel.yaml import YAML

from softmax.core import model
from softmax.errors import DataError
from softmax.pipeline import catalog, paths
from softmax.pipeline.catalog import Pinned
from softmax.provenance import lock, revisions

DATASET = "download.dataset"


class Model(NamedTuple):
    """theta (classes, features + 1), the classes' names, and the shape of an image."""

    name: str
    theta: NDArray[np.float64]
    classes: tuple[str, ...]
    shape: tuple[int, ...]


def load(name: str, weights: Path, entry: Pinned) -> Model:
    """The model in a file, trained on the data set of an entry; DataError unless they fit."""
    theta = model.load(weights, entry.size)
    return Model(name, theta, entry.classes, entry.shape)


def of_workspace() -> Model:
    """The model that is here; DataError unless it is that of dvc.lock."""
    lock.verify(paths.WEIGHTS)
    return load("the workspace", paths.WEIGHTS, entry(lock.values(lock.load())[DATASET]))


def of_revision(name: str) -> Model:
    """The model of a commit, branch, tag or DVC experiment; DataError if it has none."""
    root = Path()
    commit = revisions.find(root, name)
    with tempfile.TemporaryDirectory() as folder:
        revisions.check_out(root, commit, Path(folder), lambda _: [paths.WEIGHTS])
        dataset = lock.values(lock.load(Path(folder)))[DATASET]
        return load(name, Path(folder) / paths.WEIGHTS, _entry_at(commit, dataset))


def entry(dataset: str) -> Pinned:
    """That of datasets.yaml as it is here; DataError if there is none."""
    try:
        return catalog.load()[dataset]
    except KeyError:
        remedy = "Add it with `python -m softmax data add`."
        raise DataError(f"{dataset}: not in {catalog.PATH.name}. {remedy}") from None


def _entry_at(commit: str, dataset: str) -> Pinned:
    """That of the commit's datasets.yaml, or where it is of an older form, of today's."""
    try:
        text = git.Repo().git.show(f"{commit}:{catalog.PATH.name}")
        return Pinned.model_validate(YAML(typ="safe").load(text)[dataset])
    except (git.GitCommandError, KeyError, ValidationError):
        return entry(dataset)
