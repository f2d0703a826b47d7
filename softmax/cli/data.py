"""Import your own data set into datasets.yaml."""

import re
import sys
import tempfile
from pathlib import Path

from softmax.errors import DataError, shown
from softmax.pinning import entry, inspection, reading
from softmax.pinning.summary import summary
from softmax.pipeline import catalog
from softmax.sources.fetching import KEPT


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
    options = reading.Options(size, shape, label)
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT) as folder:
        found = entry.named(name, reading.read(name, place, options, Path(folder)))
        print(f"{name}: {shown(summary(found))}\n")
        for line in inspection.odd(found):
            print(f"warning: {shown(line)}", file=sys.stderr)
        (KEPT / name).mkdir(exist_ok=True)
        for file in catalog.FILES:
            (Path(folder) / file).replace(KEPT / name / file)
    entry.write(name, found, KEPT / name)
    last = len(found.test.labels) - 1
    print(f"pinned in {catalog.PATH.name}, and kept in {KEPT / name}; now set, in params.yaml,")
    print(f"download.dataset to {name} and evaluate.samples to some of 0 to {last}: make repro")
