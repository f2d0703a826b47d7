"""Import your own data set into datasets.yaml."""

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from softmax.data import importing, sources
from softmax.data.raw_dataset import Options, summary
from softmax.errors import DataError, shown
from softmax.pipeline import datasets

SHIPPED = ("mnist", "fashion-mnist")


def add(name: str, place: str, *, replace: bool, **given: Any) -> None:
    """Import the data: IDX files in DVC's cache, and an entry; say what was seen."""
    if not re.fullmatch("[a-z][a-z0-9-]*", name):
        raise DataError(f"{name}: a name is made of a-z, 0-9 and -, a letter first")
    if name in SHIPPED and not replace:
        raise DataError(
            f"{name}: a data set of this project. Choose another name, or --replace it."
        )
    found = importing.named(name, importing.read(name, place, Options(**given)))
    print(f"{name}: {shown(summary(found))}\n")
    for line in found.warnings:
        print(f"warning: {shown(line)}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as directory:
        importing.write_files(found, Path(directory))
        sources.keep(Path(directory))
        importing.write_entry(name, found, Path(directory))
    last = len(found.test.labels) - 1
    held_out = f", train.validation to {found.validation}" if found.validation else ""
    print(
        f"{name} is in {datasets.PATH.name}, and its files in DVC's cache; now set, in params.yaml,"
    )
    print(
        f"download.dataset to {name}, evaluate.samples to some of 0 to {last}{held_out}: make repro"
    )
