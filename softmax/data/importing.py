"""Import a data set, in whichever format, as four IDX files and an entry in datasets.yaml."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from softmax.core import idx
from softmax.data import array_files, directories, raw_dataset, tables
from softmax.data.pixels import resize
from softmax.data.raw_dataset import ImportedDataset, Options, check_size
from softmax.errors import DataError
from softmax.pipeline import datasets, files
from softmax.pipeline.datasets import FILES

USED = {  # options, by kind of data
    "torchvision's data": (),
    "IDX files": (),
    "a table": ("size", "shape", "label", "no_header"),
    "an .npz": ("size",),
    "directories of images": ("size",),
}


def read(name: str, place: str, options: Options) -> ImportedDataset:
    """Return the data at `place`; `name` is that of a data set of torchvision.

    Raises DataError, in one line, for whatever the pipeline cannot use.
    """
    kind, path = _kind(place), Path(place)
    for option, value in options._asdict().items():
        if value and option not in USED[kind]:
            raise DataError(
                f"{place}: --{option.replace('_', '-')} is not for {kind}. Leave it out."
            )
    if options.size:
        check_size("--size", *options.size)
    match kind:
        case "IDX files":
            raw = array_files.read_idx(place)
        case "torchvision's data":
            raw = array_files.read_torchvision(name)
        case "a table":
            raw = tables.read(path, options)
        case "an .npz":
            raw = array_files.read_npz(path)
        case _:
            raw = directories.read(path, options.size)
    if options.size:
        resized = [resize(image, *options.size) for image in raw.images]
        raw = raw._replace(images=np.stack(resized), prepared="resized")
    return raw_dataset.prepare(place, raw)


def _kind(place: str) -> str:
    """Return which of USED lies at `place`; DataError if none."""
    path = Path(place)
    if place == "torchvision":
        return "torchvision's data"
    if array_files.are_idx(place):
        return "IDX files"
    if path.suffix == ".npz" and path.is_file():
        return "an .npz"
    if path.exists() and "train" in tables.find(path):
        return "a table"
    if path.is_dir():
        return "directories of images"
    raise DataError(
        f"{place}: neither a directory nor a file .csv, .parquet or .npz, a URL or torchvision"
    )


def named(name: str, found: ImportedDataset) -> ImportedDataset:
    """Return the data, with what only the entry knows: pen strokes, and the names of classes."""
    entry = _load(_yaml()).get(name, {})
    same_shape = entry.get("shape") == [*found.training.images.shape[1:]]
    if same_shape and not found.prepared and entry.get("prepared") == "pen strokes":
        found = found._replace(prepared="pen strokes")
    names = entry.get("classes", [])
    if list(found.classes) == list(map(str, range(len(names)))):
        return found._replace(classes=tuple(map(str, names)))
    return found


def write_files(found: ImportedDataset, directory: Path) -> None:
    """Write the data as four IDX files."""
    kind = np.uint8 if len(found.classes) <= 256 else ">i4"
    for part, names in zip((found.training, found.test), (FILES[:2], FILES[2:]), strict=True):
        for name, array in zip(names, (part.images, part.labels.astype(kind)), strict=True):
            with (directory / name).open("wb") as file:
                file.write(idx.header(array))
                array.tofile(file)


def write_entry(name: str, found: ImportedDataset, directory: Path) -> None:
    """Put the entry of the data, whose files are in `directory`, in the place of what it was."""
    yaml, text = _yaml(), io.BytesIO()
    content = _load(yaml)
    entry = content.setdefault(name, {})
    for key, values in {
        "images": [len(part.labels) for part in (found.training, found.test)],
        "shape": found.training.images.shape[1:],
        "classes": map(DoubleQuotedScalarString, found.classes),
        "validation": raw_dataset.validation_sizes(found.training.labels),
    }.items():
        entry[key] = _line(values)
    for key, value in {"prepared": found.prepared, "decoder": found.decoder}.items():
        entry.pop(key, None)
        if value:
            entry[key] = value
    for file in FILES:
        path = directory / file
        size = path.stat().st_size
        entry[file] = {"md5": files.md5(path), "sha256": files.sha256(path), "size": size}
    yaml.dump(content, text)
    files.write({datasets.PATH: text.getvalue()})


def _yaml() -> YAML:
    """Return what reads and writes datasets.yaml, and keeps comments, order and quotes."""
    yaml = YAML()
    yaml.width = 100
    yaml.preserve_quotes = True
    return yaml


def _load(yaml: YAML) -> Any:
    """Return the entries by name; DataError if they cannot be read."""
    try:
        content = yaml.load(datasets.PATH.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{datasets.PATH.name}: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise DataError(f"{datasets.PATH.name}: should name data sets")
    return content


def _line(values: Iterable[Any]) -> CommentedSeq:
    """Return `values` as a list in one line."""
    line = CommentedSeq(values)
    line.fa.set_flow_style()
    return line
