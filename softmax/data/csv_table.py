"""CSV with a header: a column of labels, and one for each pixel, 0 to 255, row by row.

A folder has train.csv and test.csv; of a single file, a sixth is for the test, by the hash of the
pixels, so that equal images stay together.
"""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.errors import ParserWarning
from tqdm import tqdm

from softmax.data.raw_dataset import RawDataset, Split, encode, is_for_test, shortened
from softmax.errors import DataError

FILES = ("train.csv", "test.csv")
LABELS = ("label", "class")  # names of the column, where nobody gives another
CELLS = 2**22  # that are in memory as numbers at a time
GRAYS = list(map(str, range(256)))
OPTIONS: dict[str, Any] = {"keep_default_na": False, "index_col": False, "encoding": "utf-8-sig"}


def read(place: Path, label: str | None, shape: tuple[int, ...] | None) -> RawDataset:
    """All rows; `label` names a column, `shape` is (rows, columns) or (rows, columns, 3)."""
    paths, notes = [place / name for name in FILES] if place.is_dir() else [place], list[str]()
    if place.is_dir() and not _labels(_names(paths[1]), label):  # as of Kaggle
        notes = ["test.csv has no labels and is left out; a sixth of train.csv is for the test"]
        del paths[1]
    headers = [_header(path, label) for path in paths]
    if headers[0] != headers[-1]:
        raise DataError(f"{place}: {' and '.join(FILES)} have other columns; should have the same")
    (names, column), *_ = headers
    shape = _shape(paths[0], len(names) - 1, shape)
    tables = [_table(path, names, column) for path in paths]
    classes, labels = encode(place, *(written for _, written in tables))
    parts = [
        Split(pixels.reshape(-1, *shape), indices)
        for (pixels, _), indices in zip(tables, labels, strict=True)
    ]
    if len(parts) == 1:
        test = np.array([is_for_test(image.tobytes()) for image in parts[0].images], bool)
        parts = [Split(*(array[chosen] for array in parts[0])) for chosen in (~test, test)]
    return RawDataset(parts[0], parts[1], classes, notes)


def _header(path: Path, label: str | None) -> tuple[list[str], int]:
    """Return the names of the columns, and which of them has the labels."""
    names = _names(path)
    chosen = _labels(names, label)
    if not chosen and sum(map(GRAYS.__contains__, names)) > len(names) / 2:
        raise DataError(
            f"{path}: the first line looks like an image. Put the names of the columns above it, "
            "such as label,p0,p1,..."
        )
    if len(chosen) != 1 or len(names) == 1:
        raise DataError(
            f"{path}: {len(names)} columns ({shortened(names)}), {len(chosen)} of them called "
            f"{label or ' or '.join(LABELS)}; should be one, beside the pixels, and --label ... "
            "names another"
        )
    return names, names.index(chosen[0])


def _names(path: Path) -> list[str]:
    """Return the names of the columns as they are written, also one that comes twice."""
    with _reading(path) as file:
        first = pd.read_csv(file, header=None, nrows=1, dtype=str, **OPTIONS)
    return first.iloc[0].tolist()


def _labels(names: list[str], label: str | None) -> list[str]:
    """Return those of `names` that the column of labels may have."""
    return [name for name in names if name in ([label] if label else LABELS)]


def _shape(path: Path, pixels: int, shape: tuple[int, ...] | None) -> tuple[int, ...]:
    """`shape`, or that of a square."""
    side = math.isqrt(pixels)
    if math.prod(shape or (side, side)) == pixels:
        return shape or (side, side)
    if shape:
        raise DataError(f"{path}: {pixels} pixel columns are not {' x '.join(map(str, shape))}")
    raise DataError(
        f"{path}: {pixels} pixel columns are no square; say --shape 20x30, rows and columns, or "
        "--shape 32x32x3 for RGB"
    )


def _table(path: Path, names: list[str], column: int) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """Return the pixels, uint8 (n, pixels), and the labels as they are written, (n,)."""
    pixels, labels = [np.empty((0, len(names) - 1), np.uint8)], [np.empty(0, np.str_)]
    with _reading(path) as file:
        for rows in _chunks(file, names, dtype={column: str}, low_memory=False):
            values = rows.drop(columns=column).to_numpy() if len(rows) else pixels[0]
            if values.dtype.kind not in "iu" or (values < 0).any() or (values > 255).any():
                raise _fault(path, names, column)
            pixels.append(values.astype(np.uint8))
            labels.append(rows[column].to_numpy(np.str_))
    return np.concatenate(pixels), np.concatenate(labels)


def _chunks(file: Any, names: list[str], **options: Any) -> Iterator[pd.DataFrame]:
    """Yield the rows, some at a time; columns are numbers, since two may have one name."""
    size, numbers = max(1, CELLS // len(names)), range(len(names))
    yield from pd.read_csv(file, header=0, names=numbers, chunksize=size, **options, **OPTIONS)


def _fault(path: Path, names: list[str], column: int) -> DataError:
    """Return the error of the first pixel that is not a whole number from 0 to 255."""
    for rows in _chunks(path, names, dtype=str):
        wrong = ~rows.isin(GRAYS)
        wrong[column] = False
        if wrong.any(axis=None):
            row, number = np.argwhere(wrong.to_numpy())[0]
            break
    return DataError(
        f"{path}: image {rows.index[row] + 1}, column {names[number]}: "
        f"{rows.iat[row, number]!r}; pixels are whole numbers from 0 to 255"
    )


@contextmanager
def _reading(path: Path) -> Iterator[Any]:
    """The file, with a bar that shows how much of it is read; DataError if it is no CSV."""
    size, name = path.stat().st_size, path.name
    with (
        path.open("rb") as file,
        tqdm.wrapattr(file, "read", total=size, desc=name, leave=False, disable=None) as wrapped,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error", ParserWarning)  # of values that are left out
        try:
            yield wrapped
        except (ValueError, ParserWarning) as error:
            raise DataError(f"{path}: not CSV: {' '.join(str(error).split())}") from None
