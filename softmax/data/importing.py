"""Import a data set, in whichever format, as four IDX files and an entry in datasets.yaml."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString
from tqdm import tqdm

from softmax.data import array_files, csv_table, directories, raw_dataset
from softmax.data.pixels import resize
from softmax.data.raw_dataset import RawDataset, Split, check_size
from softmax.errors import DataError
from softmax.pipeline import datasets, files


class Options(NamedTuple):
    """What a person may say of the data, None where these say it themselves.

    The rows and columns that images are resized to; and of CSV the rows, columns, and 3 if RGB, of
    an image, and the column of labels.
    """

    size: tuple[int, ...] | None = None
    shape: tuple[int, ...] | None = None
    label: str | None = None


USED = {
    "torchvision's data": (),
    "IDX files": (),
    "CSV": ("size", "shape", "label"),
    "an .npz": ("size",),
    "folders of images": ("size",),
}


def read(name: str, place: str, options: Options, directory: Path) -> RawDataset:
    """The data at `place`, as files in `folder`; `name` is that of a data set of torchvision.

    Raises DataError, in one line, for whatever the pipeline cannot use.
    """
    kind, path = _kind(place), Path(place)
    for option, value in options._asdict().items():
        if value is not None and option not in USED[kind]:
            raise DataError(f"{place}: {option.upper()} is not for {kind}")
    if options.size:
        check_size("SIZE", *options.size)
    match kind:
        case "IDX files":
            found = array_files.read_idx(place, directory)
            raw_dataset.check(place, found)
            return found
        case "torchvision's data":
            found = array_files.read_torchvision(name, directory)
        case "CSV":
            found = csv_table.read(path, options.label, options.shape)
        case "an .npz":
            found = array_files.read_npz(path)
        case _:
            found = directories.read(path, options.size, directory)
    if options.size:
        found = found._replace(
            training=_resized(found.training, *options.size),
            test=_resized(found.test, *options.size),
        )
    raw_dataset.check(place, found)
    array_files.write(found, directory)
    return found


def _kind(place: str) -> str:
    """Which of USED lies at `place`; DataError if none."""
    path = Path(place)
    if place == array_files.PLACE:
        return "torchvision's data"
    if array_files.lie_at(place):
        return "IDX files"
    if path.suffix == ".npz":
        return "an .npz"
    if path.suffix == ".csv" or all((path / name).exists() for name in csv_table.FILES):
        return "CSV"
    if path.is_dir():
        return "folders of images"
    raise DataError(
        f"{place}: neither a directory nor a file .csv or .npz, a URL or {array_files.PLACE}"
    )


def _resized(part: Split, rows: int, columns: int) -> Split:
    """`part`, its images in this size."""
    bar = tqdm(part.images, "resizing", unit=" images", leave=False, disable=None)
    return part._replace(images=np.stack([resize(image, rows, columns) for image in bar]))


def named(name: str, found: RawDataset) -> RawDataset:
    """The data, with the names that the entry has for their classes where they have but numbers."""
    names = _load(_yaml()).get(name, {}).get("classes", [])
    if list(found.classes) == list(map(str, range(len(names)))):
        return found._replace(classes=list(map(str, names)))
    return found


def write(name: str, found: RawDataset, directory: Path) -> None:
    """Put the entry of the data, whose files are in `folder`, in the place of what it was."""
    yaml, text = _yaml(), io.BytesIO()
    content = _load(yaml)
    entry = content.setdefault(name, {})
    entry["images"] = _line([len(part.labels) for part in (found.training, found.test)])
    entry["shape"] = _line(found.training.images.shape[1:])
    entry["classes"] = _line(map(DoubleQuotedScalarString, found.classes))
    entry.update({file: files.sha256(directory / file) for file in datasets.FILES})
    yaml.dump(content, text)
    files.write({datasets.PATH: text.getvalue()})


def _yaml() -> YAML:
    """What reads and writes datasets.yaml, and keeps comments, order and quotes."""
    yaml = YAML()
    yaml.width = 100
    yaml.preserve_quotes = True
    return yaml


def _load(yaml: YAML) -> Any:
    """The entries by name; DataError if they cannot be read."""
    try:
        content = yaml.load(datasets.PATH.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{datasets.PATH.name}: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise DataError(f"{datasets.PATH.name}: should name data sets")
    return content


def _line(values: Iterable[Any]) -> CommentedSeq:
    """`values` as a list in one line."""
    line = CommentedSeq(values)
    line.fa.set_flow_style()
    return line
