"""Pin a data set of one's own in datasets.yaml. Not a stage of DVC.

python -m tools.pin NAME PLACE [--size 28x28] [--shape 20x30] [--label COLUMN]

PLACE is what docs/data.md says: folders of images, CSV, .npz, IDX files, or "torchvision".
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

from softmax.errors import DataError, exits_cleanly, shown
from softmax.pinning import entry, inspection, reading
from softmax.pinning.summary import summary
from softmax.pipeline import catalog
from softmax.sources.fetching import KEPT


@exits_cleanly
def main() -> None:
    """Read the data, keep them as IDX files, write their entry, and say what was seen."""
    parser = argparse.ArgumentParser(prog="tools.pin")
    parser.add_argument("name")
    parser.add_argument("place")
    for option in ("--size", "--shape", "--label"):
        parser.add_argument(option)
    given = parser.parse_args()
    name = given.name
    if not re.fullmatch("[a-z][a-z0-9-]*", name):
        raise DataError(f"{name}: a name is made of a-z, 0-9 and -, a letter first")
    size, shape = sides("SIZE", given.size, ""), sides("SHAPE", given.shape, "(x3)?")
    options = reading.Options(size, shape, given.label)
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT) as folder:
        found = entry.named(name, reading.read(name, given.place, options, Path(folder)))
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


def sides(option: str, text: str | None, rest: str) -> tuple[int, ...] | None:
    """The numbers of 20x30, and of what may come after it; DataError if there are none."""
    if text is None:
        return None
    if not re.fullmatch(f"[1-9][0-9]{{0,4}}x[1-9][0-9]{{0,4}}{rest}", text):
        raise DataError(f"{option}={text}: should be rows and columns, as 20x30")
    return tuple(map(int, text.split("x")))


if __name__ == "__main__":
    main()
