"""Import a user's data set into datasets.yaml and DVC's cache."""

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from softmax.analysis import dataset_changes
from softmax.analysis.dataset_changes import Version
from softmax.core import idx
from softmax.data import importing, sources
from softmax.data.raw_dataset import ImportedDataset, Options, summary
from softmax.errors import DataError, SourceError, shown
from softmax.pipeline import datasets


def add(name: str, source: str, *, replace: bool, **given: Any) -> None:
    """Import the data as four IDX files and an entry of datasets.yaml, and print a summary."""
    if not re.fullmatch("[a-z][a-z0-9-]*", name):
        raise DataError(f"{name}: invalid name. Use a-z, 0-9 and -, with a letter first.")
    if name in ("mnist", "fashion-mnist") and not replace:
        raise DataError(
            f"{name}: already a data set of this project. Choose another name or add --replace."
        )
    known = datasets.load()  # first, to report an invalid datasets.yaml
    found = importing.named(name, importing.read(name, source, Options(**given)))
    changes = _changes(name, found) if name in known else ""
    with tempfile.TemporaryDirectory() as directory:
        importing.write_files(found, Path(directory))
        sources.keep(Path(directory))
        importing.write_entry(name, found, Path(directory))
    last = len(found.test.labels) - 1
    validation = f", train.validation to {found.validation}" if found.validation else ""
    for line in found.warnings:
        print(f"warning: {shown(line)}", file=sys.stderr)
    print(f"{name}: {shown(summary(found))}\n")
    if changes:
        print(f"Changes since the last version: {shown(changes)}\n")
    print(
        f"{name} is in datasets.yaml, and its files are in DVC's cache. In params.yaml set\n"
        f"download.dataset to {name}, evaluate.samples to numbers from 0 to {last}{validation}, "
        "then run `make repro`."
    )


def _changes(name: str, found: ImportedDataset) -> str:
    """Describe how `found` differs from the version in datasets.yaml, or why this is unknown."""
    entry = datasets.load()[name]
    try:
        paths = zip(sources.find_cached(name), [len(entry.shape) + 1, 1] * 2, strict=True)
        images, labels, test_images, test_labels = (idx.read(*pair) for pair in paths)
    except (SourceError, DataError) as error:
        return f"unknown, because the files of that version cannot be read: {error}"
    before = Version(entry.classes, (images, labels), (test_images, test_labels))
    return dataset_changes.describe(before, Version(found.classes, found.training, found.test))
