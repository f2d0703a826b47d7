"""Read CSV or Parquet tables: a column of labels, and pixels, file names or encoded images.

A table of pixels has one column for each pixel, with integers from 0 to 255. A directory contains
one file, or several shards, for each split.
"""

import csv
import itertools
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
from pyarrow import parquet

from softmax.data.pixels import DECODER, Source, decode_all
from softmax.data.raw_dataset import SPLITS, Options, RawDataset, join, shortened, split_of
from softmax.errors import DataError

LABELS = ("label", "class")  # names of the column of labels, unless --label is given
IMAGES = ("image", "file", "filename", "file_name", "path")  # a column of file names or images
ENDINGS = (".csv", ".parquet")
BLOCK = 2**26  # bytes; a block must be longer than any line
SHARD = re.compile(r"-\d+-of-(\d+)$")
FAULT = re.compile(r"column #(\d+): Row #(\d+): .*invalid value '(.*)'", re.DOTALL)


def find(source: Path) -> dict[str, list[Path]]:
    """Return the tables by split: those in directory `source`, or `source` itself as "train"."""
    found: dict[str, list[Path]] = {split: [] for split in SPLITS}
    for path in sorted(source.iterdir()) if source.is_dir() else [source]:
        split = split_of(path.stem) if source.is_dir() else "train"
        if split and path.suffix.lower() in ENDINGS and path.is_file():
            found[split].append(path)
    for split, paths in found.items():
        shards = [int(count) for path in paths for count in SHARD.findall(path.stem)]
        if len(paths) > 1 and not shards:
            raise DataError(
                f"{source}: {paths[0].name} and {paths[1].name} are both {split} files. Remove one."
            )
        if shards and len(paths) != shards[0]:
            raise DataError(
                f"{source}: {len(paths)} of {shards[0]} {split} files found. Add the missing ones."
            )
    return {split: paths for split, paths in found.items() if paths}


def read(source: Path, options: Options) -> RawDataset:
    """Read all tables at `source`. Raise DataError if their columns or values are invalid."""
    paths, warnings, decoder = find(source), list[str](), ""
    if "test" in paths and not _labels(_names(paths["test"][0], options), options):  # as on Kaggle
        (left, *_) = paths.pop("test")
        test_set = "A sixth of the training images becomes the test set."
        warnings = [f"{left.name} has no labels and is ignored. {test_set}"]
    columns: dict[Path, list[str]] = {}
    for path in itertools.chain(*paths.values()):
        names = _names(path, options)
        columns[path] = [name for name in names if name not in _labels(names, options)]
    first, *others = columns
    for path in others:
        if columns[path] != columns[first]:
            raise DataError(
                f"{path}: its columns differ from those of {first}. Use the same columns in both."
            )
    read = [(split, *_open(path, options)) for split in paths for path in paths[split]]
    labels = [label for _, _, labels, _ in read for label in labels]
    if isinstance(read[0][1], np.ndarray):
        raw = join(source, [(split, images, labels) for split, images, labels, _ in read])
    else:
        named = [image for _, images, _, _ in read for image in images]
        images, more = decode_all(source, named, options.size)
        warnings, decoder = [*warnings, *more], DECODER
        raw = RawDataset(images, labels, [split for split, *_, labels, _ in read for _ in labels])
    return raw._replace(classes=read[0][3], warnings=warnings, decoder=decoder)


def _names(path: Path, options: Options) -> list[str]:
    """Return the names of the columns, or their numbers if the table has no header."""
    try:
        if path.suffix.lower() == ".parquet":
            return list(map(str, parquet.read_schema(path).names))
        with path.open(newline="", encoding="utf-8-sig") as file:
            names = next(filter(None, csv.reader(file)), [])
    except (ValueError, csv.Error) as error:
        raise _damaged(path, error) from None
    return list(map(str, range(len(names)))) if options.no_header else names


def _labels(names: list[str], options: Options) -> list[str]:
    """Return the names of the columns that may contain the labels."""
    if options.no_header and not options.label:
        return names[:1]
    return [name for name in names if name in ([options.label] if options.label else LABELS)]


def _open(path: Path, options: Options) -> tuple[Any, list[str], list[str]]:
    """Return images (uint8, or pairs of name and source), labels, and class names if known."""
    names = _names(path, options)
    chosen = _labels(names, options)
    if not chosen and sum(map(str.isdecimal, names)) > len(names) / 2:
        raise DataError(
            f"{path}: the first line looks like an image. If so, add --no-header. If labels are "
            "not in the first column, also add their column, counted from 0, such as --label 784."
        )
    if len(chosen) != 1 or len(names) == 1:
        raise DataError(
            f"{path}: {len(names)} columns ({shortened(names)}), {len(chosen)} of them called "
            f"{options.label or ' or '.join(LABELS)}. Store labels in one column, and images in "
            "the others. Name the column of labels with --label."
        )
    label = names.index(chosen[0])
    table, images = _columns(path, names, [label], options)
    classes = _classes(table.schema.metadata or {}, chosen[0])
    labels = [
        _label(f"{path}: image {row}", value, classes)
        for row, value in enumerate(table.column(label).to_pylist(), 1)
    ]
    if not isinstance(images, list):
        images = images.reshape(-1, *_shape(path, images.shape[1], options.shape))
    return images, labels, classes


def read_unlabeled(path: Path, features: int) -> tuple[list[str], Any]:
    """Return ids or row numbers, and images: uint8 (n, pixels), or pairs of name and source.

    Labels are ignored. If the first line contains only numbers, it is an image, preceded by a label
    if there are `features` + 1 numbers. But a line 0, 1, 2, ... is the header that pandas writes.
    """
    names, options = _names(path, Options()), Options()
    extra = [k for k, name in enumerate(names) if name.lower() in ("id", *LABELS)]
    if all(map(str.isdecimal, names)) and names != list(map(str, range(len(names)))):
        options = Options(no_header=True)
        extra = [0] * (len(names) == features + 1)
    if len(extra) == len(names):
        raise DataError(f"{path}: {len(names)} columns ({shortened(names)}), but no images.")
    table, images = _columns(path, names, extra, options)
    ids = next((k for k in extra if names[k].lower() == "id"), None)
    rows = range(1, len(table) + 1) if ids is None else table.column(ids).to_pylist()
    return list(map(str, rows)), images


def _columns(
    path: Path, names: list[str], extra: list[int], options: Options
) -> tuple[pa.Table, Any]:
    """Return the table, and images without columns `extra`: uint8, or pairs of name and source."""
    image = next((k for k, name in enumerate(names) if name.lower() in IMAGES), None)
    try:
        if path.suffix.lower() == ".parquet":
            table = parquet.read_table(path)
        else:
            pixel = pa.uint8() if image is None else pa.string()
            kinds = [pa.string() if k in extra else pixel for k in range(len(names))]
            table = _read_csv(path, kinds, options)
        if image is not None:
            return table, _sources(path, table.column(image))
        pixels = [c.cast(pa.uint8()) for k, c in enumerate(table.columns) if k not in extra]
        if any(column.null_count for column in pixels):
            raise pa.ArrowInvalid("a pixel is missing")
        if not len(table):
            return table, np.empty((0, len(pixels)), np.uint8)
        return table, np.stack(pixels, axis=1)
    except (pa.ArrowException, OSError) as error:
        if not (found := FAULT.search(str(error))):
            raise _damaged(path, error) from None
        column, row, value = found.groups()
        raise DataError(
            f"{path}: image {int(row) - (not options.no_header)}, column {names[int(column)]}: "
            f"{value!r} is not a pixel. Use integers from 0 to 255."
        ) from None


def _read_csv(path: Path, kinds: list[pa.DataType], options: Options) -> pa.Table:
    """Read columns of these types. Raise ArrowInvalid with the row and column of a bad value."""
    types = {str(number): kind for number, kind in enumerate(kinds)}  # because names may repeat
    skip = int(not options.no_header)
    read = arrow_csv.ReadOptions(
        use_threads=False, block_size=BLOCK, column_names=list(types), skip_rows=skip
    )
    convert = arrow_csv.ConvertOptions(column_types=types, null_values=[])
    return arrow_csv.read_csv(path, read, convert_options=convert)


def _damaged(path: Path, error: Exception) -> DataError:
    kind = "Parquet" if path.suffix.lower() == ".parquet" else "CSV"
    return DataError(f"{path}: invalid {kind}: {' '.join(str(error).split())}")


def _classes(metadata: dict[bytes, bytes], label: str) -> list[str]:
    """Return the class names in metadata written by Hugging Face's datasets, or []."""
    try:
        content = json.loads(metadata[b"huggingface"])
        return list(map(str, content["info"]["features"][label]["names"]))
    except (KeyError, TypeError, ValueError):
        return []


def _label(place: str, value: Any, classes: list[str]) -> str:
    """Return the class name of a label or class index. Raise DataError if it is not a class."""
    if classes and isinstance(value, int) and 0 <= value < len(classes):
        return classes[value]
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, bool | int | float | str) and (not classes or value in classes):
        return str(value)
    raise DataError(f"{place}: label {value!r:.40} is not a class. Correct it, or remove the row.")


def _shape(path: Path, pixels: int, shape: tuple[int, ...] | None) -> tuple[int, ...]:
    """Return `shape`, by default a square. Raise DataError if the number of pixels differs."""
    side = math.isqrt(pixels)
    shape = shape or (side, side)
    if math.prod(shape) != pixels:
        raise DataError(
            f"{path}: {pixels} pixel columns do not form {' x '.join(map(str, shape))} pixels. Add "
            "--shape with rows and columns, such as 20x30, or 32x32x3 for RGB."
        )
    return shape


def _sources(path: Path, column: pa.ChunkedArray) -> list[tuple[str, Source]]:
    """Return the name of each image, and its path or bytes."""
    sources: list[tuple[str, Source]] = []
    for row, value in enumerate(column.to_pylist(), 1):
        # Hugging Face's datasets writes both keys
        image = value.get("bytes") or value.get("path") if isinstance(value, dict) else value
        if isinstance(image, str) and image:
            sources.append((str(path.parent / image), path.parent / image))
        else:  # `decode` rejects b"" with a message that names the row
            sources.append((f"{path}, image {row}", image if isinstance(image, bytes) else b""))
    return sources
