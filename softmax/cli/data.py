"""Import your own data set into datasets.yaml."""

import re
import sys
import tempfile
from pathlib import Path

from softmax.data import importing, raw_dataset
from softmax.data.raw_dataset import summary
from softmax.data.sources import KEPT
from softmax.errors import DataError, shown
from softmax.pipeline import datasets


def add(
    name: str,
    place: str,
    size: tuple[int, ...] | None,
    shape: tuple[int, ...] | None,
    label: str | None,
) -> None:
    """Read the data, keep them as IDX files, write their entry, and say what was seen."""
    if not re.fullmatch("[a-z][a-z0-9-]*", name):
        raise DataError(f"{name}: a name is made of a-z, 0-9 and -, a letter first")
    options = importing.Options(size, shape, label)
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT) as directory:
        found = importing.named(name, importing.read(name, place, options, Path(directory)))
        print(f"{name}: {shown(summary(found))}\n")
        for line in raw_dataset.odd(found):
            print(f"warning: {shown(line)}", file=sys.stderr)
        (KEPT / name).mkdir(exist_ok=True)
        for file in datasets.FILES:
            (Path(directory) / file).replace(KEPT / name / file)
    importing.write(name, found, KEPT / name)
    last = len(found.test.labels) - 1
    print(f"pinned in {datasets.PATH.name}, and kept in {KEPT / name}; now set, in params.yaml,")
    print(f"download.dataset to {name} and evaluate.samples to some of 0 to {last}: make repro")
