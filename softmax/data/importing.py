"""Import a data set of any format as four IDX files and an entry in datasets.yaml."""

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from softmax.core import idx
from softmax.data import array_files, directories, raw_dataset, tables
from softmax.data.pixels import resize
from softmax.data.raw_dataset import ImportedDataset, Options, RawDataset, check_size
from softmax.errors import DataError
from softmax.pipeline import datasets, files
from softmax.pipeline.datasets import FILES


def read(name: str, source: str, options: Options) -> ImportedDataset:
    """Read the data at `source`, or torchvision's data set `name` if `source` is "torchvision".

    Raise DataError if the pipeline cannot use the data, or if an option does not apply to them.
    """
    kind, used, read_raw = _format(name, source, options)
    for option, value in options._asdict().items():
        if value and option not in used:
            raise DataError(
                f"{source}: --{option.replace('_', '-')} does not apply to {kind}. Leave it out."
            )
    if options.size:
        check_size("--size", *options.size)
    raw = read_raw()
    if options.size:
        resized = [resize(image, *options.size) for image in raw.images]
        raw = raw._replace(images=np.stack(resized), prepared="resized")
    return raw_dataset.prepare(source, raw)


def _format(
    name: str, source: str, options: Options
) -> tuple[str, tuple[str, ...], Callable[[], RawDataset]]:
    """Return the format of `source`, its options and its reader. Raise DataError if none fits."""
    path = Path(source)
    if source == "torchvision":
        return "torchvision's data", (), partial(array_files.read_torchvision, name)
    if array_files.are_idx(source):
        return "IDX files", (), partial(array_files.read_idx, source)
    if path.suffix == ".npz" and path.is_file():
        return "an .npz", ("size",), partial(array_files.read_npz, path)
    if path.exists() and "train" in tables.find(path):
        return "a table", Options._fields, partial(tables.read, path, options)
    if path.is_dir():
        return "directories of images", ("size",), partial(directories.read, path, options.size)
    raise DataError(
        f"{source}: not found, or not a data set. Name a directory, a .csv, .parquet or .npz file, "
        'a URL, or "torchvision".'
    )


def named(name: str, found: ImportedDataset) -> ImportedDataset:
    """Take "pen strokes" and class names from the existing entry `name`, if the data lack them."""
    if not (entry := datasets.load().get(name)):
        return found
    same_shape = entry.shape == found.training.images.shape[1:]
    if same_shape and not found.prepared and entry.prepared == "pen strokes":
        found = found._replace(prepared=entry.prepared)
    if list(found.classes) == list(map(str, range(len(entry.classes)))):
        return found._replace(classes=entry.classes)
    return found


def write_files(found: ImportedDataset, directory: Path) -> None:
    """Write four IDX files, with labels as uint8, or as int32 for more than 256 classes."""
    kind = np.uint8 if len(found.classes) <= 256 else ">i4"
    for split, names in zip((found.training, found.test), (FILES[:2], FILES[2:]), strict=True):
        for name, array in zip(names, (split.images, split.labels.astype(kind)), strict=True):
            with (directory / name).open("wb") as file:
                file.write(idx.header(array))
                array.tofile(file)


def write_entry(name: str, found: ImportedDataset, directory: Path) -> None:
    """Add or replace the entry `name` in datasets.yaml, for the files in `directory`."""
    yaml, text = YAML(), io.BytesIO()  # YAML() keeps comments and order
    yaml.width, yaml.preserve_quotes = 100, True
    content = yaml.load(datasets.PATH.read_text(encoding="utf-8"))
    entry = content.setdefault(name, {})
    for key, values in {
        "images": [len(split.labels) for split in (found.training, found.test)],
        "shape": found.training.images.shape[1:],
        "classes": map(DoubleQuotedScalarString, found.classes),
        "validation": raw_dataset.validation_sizes(found.training.labels),
    }.items():
        entry[key] = CommentedSeq(values)
        entry[key].fa.set_flow_style()  # writes the list in one line
    for key in ("prepared", "decoder"):
        entry.pop(key, None)
        if value := getattr(found, key):
            entry[key] = value
    for file in FILES:
        path = directory / file
        size = path.stat().st_size
        entry[file] = {"md5": files.md5(path), "sha256": files.sha256(path), "size": size}
    yaml.dump(content, text)
    files.write({datasets.PATH: text.getvalue()})
