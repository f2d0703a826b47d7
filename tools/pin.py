"""Pin a data set of one's own in datasets.yaml. Not a stage of DVC.

python -m tools.pin NAME PLACE    # a directory or URL that holds the four IDX files
"""

import argparse
import hashlib
import io
import re
import tempfile
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from softmax.core import data
from softmax.errors import DataError, SourceError, exits_cleanly, shown
from softmax.pipeline import catalog, files, params
from softmax.sources import mirror

LIMIT = 5 * 10**9  # bytes of a file: six million images of 28 x 28 pixels


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
        contents = dict(
            zip(catalog.FILES, mirror.read(place, [LIMIT] * len(catalog.FILES)), strict=True)
        )
    except SourceError as error:
        raise DataError(f"{place}: {error}") from None
    entry = describe(contents, place)
    write(name, entry)
    training, test = entry["images"]
    print(f"pin: {name} in {catalog.PATH.name}, {training} training and {test} test images")
    samples = params.load().evaluate.samples
    if max(samples) >= test:
        print(f"evaluate.samples in params.yaml is {samples}; here it can name 0 to {test - 1}")
    run = f"MNIST_MIRROR={shown(place)} dvc repro"
    print(f"now set download.dataset to it in params.yaml, and run {run}")


def describe(contents: dict[str, bytes], place: str) -> dict[str, Any]:
    """The entry of datasets.yaml for these files; DataError unless they are a data set."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / file for file in catalog.FILES]
        files.write(dict(zip(paths, contents.values(), strict=True)))
        try:
            shapes = [data.read_idx(path, path.read_bytes()[3]).shape for path in paths[::2]]
            classes = 1 + max(int(data.read_idx(path, 1).max()) for path in paths[1::2])
            for k in (0, 2):
                count = shapes[k // 2][0]
                data.load(paths[k], paths[k + 1], (count, *shapes[0][1:]), classes)
        except DataError as error:
            reason = str(error).partition(";")[0]  # after it: how to mend what was downloaded
            raise DataError(reason.replace(folder, place)) from None
    return {
        "images": [shape[0] for shape in shapes],
        "shape": list(shapes[0][1:]),
        "classes": [str(k) for k in range(classes)],
        **{file: hashlib.sha256(content).hexdigest() for file, content in contents.items()},
    }


def write(name: str, entry: dict[str, Any]) -> None:
    """Put the entry of `name` into datasets.yaml, in place of what it had."""
    yaml, text = YAML(), io.BytesIO()  # which keeps comments and order
    yaml.width, yaml.preserve_quotes = 100, True
    content = yaml.load(catalog.PATH.read_text())
    content.setdefault(name, {}).update(entry)
    yaml.dump(content, text)
    files.write({catalog.PATH: text.getvalue()})


if __name__ == "__main__":
    main()
