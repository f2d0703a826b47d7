"""Pin a data set of one's own in datasets.yaml. Not a stage of DVC.

python -m tools.pin NAME PLACE    # a directory or URL that holds the four IDX files
"""

import argparse
import hashlib
import io
import re
import tempfile
from pathlib import Path

from ruamel.yaml import YAML

from softmax.core import data
from softmax.errors import DataError, SourceError, exits_cleanly, shown
from softmax.pipeline import catalog, files, params
from softmax.sources import mirror


@exits_cleanly
def main() -> None:
    """Check the files, and write their hashes."""
    parser = argparse.ArgumentParser(prog="tools.pin")
    parser.add_argument("name")
    parser.add_argument("place")
    name, place = vars(parser.parse_args()).values()
    if not re.fullmatch("[a-z][a-z0-9-]*", name):
        raise DataError(f"{name}: a name is made of a-z, 0-9 and -, a letter first")
    try:
        contents = dict(zip(catalog.FILES, mirror.read(place), strict=True))
    except SourceError as error:
        raise DataError(f"{place}: {error}") from None
    training, test = check(contents, place)
    hashes = {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()}
    write(name, hashes)
    print(f"pin: {name} in {catalog.PATH.name}, {training} training and {test} test images")
    samples = params.load().evaluate.samples
    if max(samples) >= test:
        print(f"evaluate.samples in params.yaml is {samples}; here it can name 0 to {test - 1}")
    run = f"MNIST_MIRROR={shown(place)} dvc repro"
    print(f"now set download.dataset to it in params.yaml, and run {run}")


def check(contents: dict[str, bytes], place: str) -> tuple[int, int]:
    """How many training and test images there are; DataError unless they are like MNIST's."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / file for file in catalog.FILES]
        files.write(dict(zip(paths, contents.values(), strict=True)))
        try:
            counts = [len(data.load(*pair).labels) for pair in (paths[:2], paths[2:])]
        except DataError as error:
            reason = str(error).partition(";")[0]  # after it: how to mend what was downloaded
            raise DataError(reason.replace(folder, place)) from None
        for path in (paths[0], paths[2]):
            height, width = data.read_idx(path, 3).shape[1:]
            if (height, width) != (28, 28):
                raise DataError(
                    f"{place}/{path.name}: images of {height} x {width} pixels; should be 28 x 28"
                )
    return counts[0], counts[1]


def write(name: str, hashes: dict[str, str]) -> None:
    """Put the hashes of `name` into datasets.yaml, in place of those it had."""
    yaml, text = YAML(), io.BytesIO()  # which keeps comments and order
    yaml.width = 100
    content = yaml.load(catalog.PATH.read_text())
    content.setdefault(name, {}).update(hashes)
    yaml.dump(content, text)
    files.write({catalog.PATH: text.getvalue()})


if __name__ == "__main__":
    main()
