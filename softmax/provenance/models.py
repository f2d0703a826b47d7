"""A trained model to ask: its weights, and what they are weights of."""

import tempfile
from pathlib import Path
from typing import NamedTuple

import git
import numpy as np
from numpy.typing import NDArray
from ruamel.yaml import YAML

from softmax.core import model
from softmax.errors import DataError
from softmax.pipeline import catalog, paths
from softmax.pipeline.catalog import Pinned
from softmax.provenance import lock, revisions


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
    return load("the workspace", paths.WEIGHTS, entry(lock.dataset(lock.load())))


def of_revision(name: str) -> Model:
    """The model of a commit, branch, tag or DVC experiment; DataError if it has none."""
    root = Path()
    commit = revisions.find(root, name)
    with tempfile.TemporaryDirectory() as folder:
        revisions.check_out(root, commit, Path(folder), lambda _: [paths.WEIGHTS])
        dataset = lock.dataset(lock.load(Path(folder)))
        entries = YAML(typ="safe").load(git.Repo().git.show(f"{commit}:{catalog.PATH.name}"))
        entry = Pinned.model_validate(entries[dataset])
        return load(name, Path(folder) / paths.WEIGHTS, entry)


def entry(dataset: str) -> Pinned:
    """That of datasets.yaml as it is here; DataError if there is none."""
    try:
        return catalog.load()[dataset]
    except KeyError:
        remedy = "Add it with `python -m softmax data add`."
        raise DataError(f"{dataset}: not in {catalog.PATH.name}. {remedy}") from None
