"""Check imported data, and determine their classes, split and order."""

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

SPLITS = TRAIN, VALIDATION, TEST = "train", "val", "test"
WORDS = {"training": TRAIN, "testing": TEST, "validation": VALIDATION, "valid": VALIDATION}
TEST_BELOW = (
    f"{2**64 // 6 + 1:016x}"  # a sixth of all SHA-256 hashes are below this, in hexadecimal
)
FEW = 10  # a class with fewer images causes a warning
LISTED, ENDS = 50, 5  # a table of more than 50 classes shows only the 5 largest and 5 smallest
DIGITS = re.compile("0|[1-9][0-9]{0,17}")  # integers without leading zeros
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf)", re.IGNORECASE)


class Options(NamedTuple):
    """The options of `softmax data add`, which chooses a default for each false value."""

    size: tuple[int, ...] | None = None  # rows and columns to which images are resized
    shape: tuple[int, ...] | None = None  # rows, columns, and 3 if RGB, of the images in a table
    label: str | None = None  # name of the column that contains the labels of a table
    no_header: bool = False  # whether the first row of a table contains data, not column names


class Split(NamedTuple):
    """Images, uint8 (n, rows, columns) or (n, rows, columns, 3), and integer labels, (n,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.integer[Any]]


class RawDataset(NamedTuple):
    """A data set as it was read. If no image is in the split TEST, `prepare` chooses a test set."""

    images: NDArray[np.uint8]  # as in Split
    labels: Sequence[str]  # one label for each image
    splits: Sequence[str]  # TRAIN, VALIDATION or TEST for each image
    classes: Sequence[str] = ()  # class names in their order; by default the sorted labels
    warnings: Sequence[str] = ()
    ordered: bool = False  # whether the order is kept, so unchanged files keep their SHA-256
    prepared: str = ""  # as in datasets.yaml, if known
    decoder: str = ""  # as in datasets.yaml, if known


class ImportedDataset(NamedTuple):
    """A data set as the pipeline uses it."""

    training: Split
    test: Split
    classes: tuple[str, ...]  # class names, indexed by label
    validation: int  # number of images at the end of the training set that were a validation set
    warnings: list[str]
    prepared: str
    decoder: str


def split_of(name: str) -> str | None:
    """Return the split (train, val or test) that a file or directory name denotes, or None."""
    word = re.sub(r"[-_ ](set|\d+-of-\d+)$", "", name.lower())
    split = WORDS.get(word, word)
    return split if split in SPLITS else None


def class_name(label: str) -> str:
    """Return a label as a class name, in Unicode NFC because macOS decomposes accents."""
    return unicodedata.normalize("NFC", label).strip()


def shortened(names: Sequence[object]) -> str:
    """Return the first five `names` in one line."""
    words = (" ".join(str(name).split()) for name in names[:5])
    return ", ".join(words) + (", ..." if len(names) > 5 else "")


def check_size(place: object, rows: int, columns: int) -> None:
    """Raise DataError unless both sides have 1 to MAX_SIDE pixels."""
    if not 1 <= rows <= MAX_SIDE or not 1 <= columns <= MAX_SIDE:
        raise DataError(
            f"{place}: {rows} x {columns} pixels, but images may have 1 x 1 to {MAX_SIDE} x "
            f"{MAX_SIDE}. Use a smaller size, such as --size 28x28."
        )


def join(place: object, read: Sequence[tuple[str, NDArray[np.uint8], Any]]) -> RawDataset:
    """Join parts (name, images, labels) into a data set. Raise DataError if they do not match."""
    for part, images, labels in read:
        if len(images) != len(labels):
            problem = f"{len(labels)} labels, but {len(images)} {part} images"
            raise DataError(f"{place}: {problem}. Store one label for each image.")
    shapes = {images.shape[1:]: part for part, images, _ in read}
    if len(shapes) > 1:
        found = (f"{part} images are {' x '.join(map(str, x))}" for x, part in shapes.items())
        raise DataError(f"{place}: {', '.join(found)}. Save all images with the same shape.")
    (shape,) = shapes
    if shape[2:] not in ((), (3,)):
        raise DataError(f"{place}: {shape[2]} values per pixel. Use 1 (gray) or 3 (RGB).")
    return RawDataset(
        np.concatenate([images for _, images, _ in read]),
        [str(label) for *_, labels in read for label in labels],
        [part for part, _, labels in read for _ in labels],
    )


def prepare(source: str, raw: RawDataset) -> ImportedDataset:
    """Return the data as the pipeline uses them. Raise DataError if it cannot use them.

    If there is no test set, choose about a sixth of each class by the SHA-256 of the pixels. Sort
    the images by this hash unless they are ordered, so the last ones are a random sample.
    """
    classes = _classes(source, raw)
    check_size(source, *raw.images.shape[1:3])
    bar = tqdm(raw.images, "hashes", unit=" images", leave=False, disable=None)
    table = pd.DataFrame(
        {
            "split": raw.splits,
            "class": pd.Categorical([*map(class_name, raw.labels)], classes),
            "pixels": [hashlib.sha256(image.tobytes()).hexdigest() for image in bar],
        }
    )
    if TEST not in raw.splits:
        pixels = table.groupby("class", observed=True)["pixels"]
        first, last = pixels.transform("min"), pixels.transform("max")
        # each class needs at least one test image and one training image
        low = (table["pixels"] < TEST_BELOW) | (table["pixels"] == first)
        table["split"] = np.where(low & (table["pixels"] != last), TEST, TRAIN)
    if not raw.ordered:
        table = table.sort_values(["pixels", "class"])
    splits = {split: table[table["split"] == split] for split in SPLITS}
    training, test = pd.concat([splits[TRAIN], splits[VALIDATION]]), splits[TEST]
    labels = {"training": training["class"], "test": test["class"]}
    counts = pd.DataFrame({name: x.value_counts(sort=False) for name, x in labels.items()})
    if len(lacking := counts[(counts == 0).any(axis=1)]):
        (name, has), others = next(lacking.iterrows()), len(lacking) - 1
        raise DataError(
            f"{source}: class {name} has {has.training} training and {has.test} test images"
            f"{f' ({others} more classes lack images, too)' if others else ''}. Each of the "
            f"{len(classes)} classes needs both: add images, or remove the class."
        )
    return ImportedDataset(
        Split(raw.images[training.index], training["class"].cat.codes.to_numpy()),
        Split(raw.images[test.index], test["class"].cat.codes.to_numpy()),
        classes,
        len(splits[VALIDATION]),
        [*raw.warnings, *_warnings(training, test, counts, int(raw.images.max()))],
        raw.prepared,
        raw.decoder,
    )


def _classes(source: str, raw: RawDataset) -> tuple[str, ...]:
    """Return the class names, by default sorted. Raise DataError if a name or label is invalid."""
    names = Counter(map(class_name, raw.labels))
    for name, count in sorted(names.items()):
        number = NUMBER.fullmatch(name) and not name.isdecimal()
        if not name or (number and not raw.classes):
            raise DataError(
                f"{source}: label {name!r} of {count} images is not a class. Use integers from 0, "
                "or names."
            )
    classes = list(raw.classes) or sorted(names)
    if not raw.classes and all(map(DIGITS.fullmatch, classes)):
        classes.sort(key=int)
    if not 2 <= len(classes) <= CLASSES:
        found = f"number of classes is {len(classes)} ({shortened(classes) or 'none'})"
        raise DataError(f"{source}: {found}. Use 2 to {CLASSES} classes.")
    if twice := [name for name, count in Counter(classes).items() if count > 1]:
        raise DataError(f"{source}: two classes are called {twice[0]!r}. Rename a class.")
    for name in classes:
        if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
            remedy = f"Rename it, with 1 to {MAX_NAME} printable characters."
            raise DataError(f"{source}: class {name!r} has an invalid name. {remedy}")
    return tuple(classes)


def _warnings(
    training: pd.DataFrame, test: pd.DataFrame, counts: pd.DataFrame, brightest: int
) -> Iterator[str]:
    """Yield a warning for each likely problem."""
    names = counts.index.str.casefold()
    if len(alike := counts.index[names.duplicated(keep=False)]):
        yield f"the names of these classes differ only in case: {shortened(list(alike))}"
    if shared := test["pixels"].isin(training["pixels"]).sum():
        yield f"{shared:,} of {len(test):,} test images are also in the training set"
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

    With a size in this range, both the validation set and the other images contain every class.
    """
    first = np.unique(labels, return_index=True)[1].max() + 1
    last = np.unique(labels[::-1], return_index=True)[1].max() + 1
    return int(last), len(labels) - int(first)


def summary(found: ImportedDataset) -> str:
    """Return the size and shape of both sets, and a table of the images of each class."""
    splits = {"training": found.training, "test": found.test}
    rows, columns, *rgb = found.training.images.shape[1:]
    counts = {name: np.bincount(split.labels) for name, split in splits.items()}
    table = pd.DataFrame({"class": found.classes, **counts})
    if len(table) > LISTED:
        table = table.sort_values("training", ascending=False, kind="stable")
        table = pd.concat([table.head(ENDS), table.tail(ENDS)])
    training, test = (f"{len(split.labels):,}" for split in splits.values())
    head = (
        f"{training} training and {test} test images of {rows} x {columns} "
        f"{'RGB' if rgb else 'gray'} pixels, {len(found.classes)} classes"
    )
    return f"{head}\n\n{tabulate(table, 'keys', showindex=False, disable_numparse=[0], intfmt=',')}"
