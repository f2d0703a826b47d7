"""The data sets of datasets.yaml: their files, each pinned by its SHA-256, and where they lie."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter
from ruamel.yaml import YAML

from softmax.errors import DataError
from softmax.pipeline import files

HERE = Path("datasets.yaml").absolute()  # beside params.yaml, else beside this code
PATH = HERE if HERE.exists() else Path(__file__).parents[2] / HERE.name
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


class Pinned(NamedTuple):
    """A data set: the SHA-256 of each of FILES, uncompressed, and the page that describes it."""

    sha256: tuple[str, ...]
    homepage: str


@functools.cache
def load() -> dict[str, Pinned]:
    """The pinned data sets by name; DataError unless each has a hash for each of FILES."""
    try:
        read = YAML(typ="safe").load(PATH.read_text(encoding="utf-8"))
        entries = TypeAdapter(dict[str, dict[str, str]]).validate_python(read).items()
        return {
            name: Pinned(tuple(entry[file] for file in FILES), entry.get("homepage", ""))
            for name, entry in entries
        }
    except Exception:  # whatever a parser comes upon in what is no such file
        raise DataError(
            f"{PATH.name}: should name data sets, each with a SHA-256 for {', '.join(FILES)}; "
            "mend it, or write the entry with `make pin`"
        ) from None


def count(labels: bytes) -> int:
    """How many there are, as the header of the IDX file says."""
    return int.from_bytes(labels[4:8])


def verified(dataset: str, paths: Sequence[Path]) -> Sequence[Path]:
    """`paths`, files of `dataset`; DataError if one that is here has other bytes than pinned."""
    pins = dict(zip(FILES, load()[dataset].sha256, strict=True))
    for path in paths:
        if path.exists() and files.sha256(path) != pins[path.name]:
            raise DataError(f"{path}: not what {PATH.name} pins; run `dvc repro download`")
    return paths


def directory(dataset: str) -> Path:
    """Where the files of `dataset` lie."""
    return Path("data") / dataset


def training_files(dataset: str) -> list[Path]:
    """The images and the labels of the training set."""
    return [directory(dataset) / name for name in FILES[:2]]


def test_files(dataset: str) -> list[Path]:
    """The images and the labels of the test set."""
    return [directory(dataset) / name for name in FILES[2:]]
