"""Prepare data for the pipeline: check them, and determine classes, split and order."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tabulate import tabulate
from tqdm import tqdm

from softmax.errors import DataError
from softmax.pipeline.datasets import CLASSES, MAX_NAME, MAX_SIDE

PARTS = TRAIN, VALIDATION, TEST = "train", "val", "test"
WORDS = {"training": TRAIN, "testing": TEST, "validation": VALIDATION, "valid": VALIDATION}
LIMIT = f"{2**64 // 6 + 1:016x}"  # of the first 16 digits of a hash: a sixth of all is below it
FEW = 10  # images of a class: fewer are a likely problem
LISTED, ENDS = 50, 5  # classes of a table; of more, those with the most and the fewest images
DIGITS = re.compile("0|[1-9][0-9]{0,17}")  # of a number that is written in one way
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf)", re.IGNORECASE)


class Options(NamedTuple):
    """What a user says about the data; false if the data say it themselves."""

    size: tuple[int, ...] | None = None  # rows and columns to which images are resized
    shape: tuple[int, ...] | None = None  # of a table's images: rows, columns, and 3 if RGB
    label: str | None = None  # a table's column of labels
    no_header: bool = False  # whether a table has no names of columns


class Split(NamedTuple):
    """Images, uint8 (n, rows, columns) or (n, rows, columns, 3), and integer labels, (n,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.integer[Any]]


class RawDataset(NamedTuple):
    """What was read. Without TEST among the parts, images are split."""

    images: NDArray[np.uint8]  # as in Split
    labels: Sequence[str]  # of each image
    parts: Sequence[str]  # of each image: one of PARTS
    classes: Sequence[str] = ()  # by default all labels
    warnings: Sequence[str] = ()
    ordered: bool = False  # whether the images keep their order, as in files with known hashes
    prepared: str = ""  # as in datasets.yaml, if known
    decoder: str = ""  # as in datasets.yaml, if known


class ImportedDataset(NamedTuple):
    """The data as the pipeline uses them."""

    training: Split
    test: Split
    classes: tuple[str, ...]  # by label
    validation: int  # number of training images, the last ones, that form a validation set
    warnings: list[str]
    prepared: str
    decoder: str


def part_of(name: str) -> str | None:
    """Return the part that the name of a directory or file means; None if it means no part."""
    word = re.sub(r"[-_ ](set|\d+-of-\d+)$", "", name.lower())
    part = WORDS.get(word, word)
    return part if part in PARTS else None


def class_name(label: str) -> str:
    """Return the class of a label in Unicode NFC, because macOS decomposes accents."""
    return unicodedata.normalize("NFC", label).strip()


def shortened(names: Sequence[object]) -> str:
    """Return the first of `names`, in one line."""
    words = (" ".join(str(name).split()) for name in names[:5])
    return ", ".join(words) + (", ..." if len(names) > 5 else "")


def check_size(place: object, rows: int, columns: int) -> None:
    if not 1 <= rows <= MAX_SIDE or not 1 <= columns <= MAX_SIDE:
        raise DataError(
            f"{place}: images of {rows} x {columns} pixels; allowed are 1 x 1 to {MAX_SIDE} x "
            f"{MAX_SIDE}. Resize them with --size 28x28."
        )


def join(place: object, read: Sequence[tuple[str, NDArray[np.uint8], Any]]) -> RawDataset:
    """Join the parts to one data set; DataError if lengths or shapes disagree."""
    for part, images, labels in read:
        if len(images) != len(labels):
            raise DataError(f"{place}: {len(labels)} labels for {len(images)} {part} images")
    shapes = {images.shape[1:]: part for part, images, _ in read}
    if len(shapes) > 1:
        found = (f"{part} images are {' x '.join(map(str, x))}" for x, part in shapes.items())
        raise DataError(f"{place}: {', '.join(found)}. Give all images one shape.")
    (shape,) = shapes
    if shape[2:] not in ((), (3,)):
        raise DataError(f"{place}: {shape[2]} values per pixel; allowed are 1 (gray) and 3 (RGB)")
    return RawDataset(
        np.concatenate([images for _, images, _ in read]),
        [str(label) for *_, labels in read for label in labels],
        [part for part, _, labels in read for _ in labels],
    )


def prepare(place: str, raw: RawDataset) -> ImportedDataset:
    """Return the data for the pipeline; DataError, in one line, if it cannot use them.

    Without a test set, about a sixth of each class becomes one, by the SHA-256 of the pixels. The
    images are written in the order of that hash, so the last ones are a fair sample.
    """
    classes = _classes(place, raw)
    check_size(place, *raw.images.shape[1:3])
    bar = tqdm(raw.images, "hashes", unit=" images", leave=False, disable=None)
    table = pd.DataFrame(
        {
            "part": raw.parts,
            "class": pd.Categorical([*map(class_name, raw.labels)], classes),
            "pixels": [hashlib.sha256(image.tobytes()).hexdigest() for image in bar],
        }
    )
    if TEST not in raw.parts:
        pixels = table.groupby("class", observed=True)["pixels"]
        first, last = pixels.transform("min"), pixels.transform("max")
        # each class needs at least one test image and one training image
        low = ((table["pixels"] < LIMIT) | (table["pixels"] == first)) & (table["pixels"] != last)
        table["part"] = np.where(low, TEST, TRAIN)
    if not raw.ordered:
        table = table.sort_values(["pixels", "class"])
    parts = {part: table[table["part"] == part] for part in PARTS}
    training, test = pd.concat([parts[TRAIN], parts[VALIDATION]]), parts[TEST]
    sides = {"training": training["class"], "test": test["class"]}
    counts = pd.DataFrame({name: side.value_counts(sort=False) for name, side in sides.items()})
    if len(lacking := counts[(counts == 0).any(axis=1)]):
        (name, has), others = next(lacking.iterrows()), len(lacking) - 1
        raise DataError(
            f"{place}: class {name} has {has.training} training and {has.test} test images"
            f"{f', and {others} more classes lack one of them' if others else ''}; each of the "
            f"{len(classes)} classes needs both. Add images, or leave the class out."
        )
    return ImportedDataset(
        Split(raw.images[training.index], training["class"].cat.codes.to_numpy()),
        Split(raw.images[test.index], test["class"].cat.codes.to_numpy()),
        classes,
        len(parts[VALIDATION]),
        [*raw.warnings, *_odd(training, test, counts, int(raw.images.max()))],
        raw.prepared,
        raw.decoder,
    )


def _classes(place: str, raw: RawDataset) -> tuple[str, ...]:
    """Return the sorted names of the classes, numbers by value; DataError if one is invalid."""
    names = Counter(map(class_name, raw.labels))
    for name, count in sorted(names.items()):
        number = NUMBER.fullmatch(name) and not name.isdecimal()
        if not name or (number and not raw.classes):
            raise DataError(
                f"{place}: label {name!r} of {count} images is not a class. Use integers from 0, "
                "or names."
            )
    classes = list(raw.classes) or sorted(names)
    if not raw.classes and all(map(DIGITS.fullmatch, classes)):
        classes.sort(key=int)
    if not 2 <= len(classes) <= CLASSES:
        listed = f" ({shortened(classes)})" if classes else ""
        kind = "class" if len(classes) == 1 else "classes"
        raise DataError(f"{place}: {len(classes)} {kind}{listed}; 2 to {CLASSES} are allowed")
    if twice := [name for name, count in Counter(classes).items() if count > 1]:
        raise DataError(f"{place}: two classes are called {twice[0]!r}. Rename one.")
    for name in classes:
        if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
            allowed = f"a name has 1 to {MAX_NAME} characters, none of them invisible"
            raise DataError(f"{place}: class {name!r}: {allowed}. Rename it.")
    return tuple(classes)


def _odd(
    training: pd.DataFrame, test: pd.DataFrame, counts: pd.DataFrame, brightest: int
) -> Iterator[str]:
    """Yield a line for each likely problem."""
    names = counts.index.str.casefold()
    if len(alike := counts.index[names.duplicated(keep=False)]):
        yield f"the names of these classes differ only in case: {shortened(list(alike))}"
    if known := test["pixels"].isin(training["pixels"]).sum():
        yield f"{known:,} of {len(test):,} test images are also in the training set"
    once = pd.concat([training, test]).drop_duplicates(["pixels", "class"])
    if len(twice := once[once["pixels"].duplicated(keep=False)]):
        first = twice[twice["pixels"] == twice["pixels"].iloc[0]]["class"]
        yield (
            f"{twice['pixels'].nunique():,} images are in more than one class, for example in "
            f"{' and '.join(first[:2])}"
        )
    if brightest <= 1:
        yield f"all pixels are at most {brightest}, but white is 255. Multiply them by 255."
    for name, column in counts.items():
        if few := (column < FEW).sum():
            yield (
                f"{few} of {len(column)} classes have fewer than {FEW} {name} images; class "
                f"{column.idxmin()} has {column.min()}"
            )


def validation_sizes(labels: NDArray[np.integer[Any]]) -> tuple[int, int]:
    """Return the minimum and maximum size of a validation set at the end of the training set.

    Within these, every class is in the validation set and in the rest of the training set.
    """
    first = np.unique(labels, return_index=True)[1].max() + 1
    last = np.unique(labels[::-1], return_index=True)[1].max() + 1
    return int(last), len(labels) - int(first)


def summary(found: ImportedDataset) -> str:
    sides = {"training": found.training, "test": found.test}
    rows, columns, *rgb = found.training.images.shape[1:]
    counts = {name: np.bincount(part.labels) for name, part in sides.items()}
    table = pd.DataFrame({"class": found.classes, **counts})
    if len(table) > LISTED:
        table = table.sort_values("training", ascending=False, kind="stable")
        table = pd.concat([table.head(ENDS), table.tail(ENDS)])
    training, test = (f"{len(part.labels):,}" for part in sides.values())
    head = (
        f"{training} training and {test} test images of {rows} x {columns} "
        f"{'RGB' if rgb else 'gray'} pixels, {len(found.classes)} classes"
    )
    written = tabulate(table, "keys", showindex=False, disable_numparse=[0], intfmt=",")
    return f"{head}\n\n{written}"
