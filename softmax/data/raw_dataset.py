"""Make of what was read what the pipeline needs: classes, checks, the split, and the order."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate
from tqdm import tqdm

from softmax.errors import DataError
from softmax.pipeline.datasets import CLASSES, MAX_NAME, MAX_SIDE

PARTS = TRAIN, VALIDATION, TEST = "train", "val", "test"
WORDS = {"training": TRAIN, "testing": TEST, "validation": VALIDATION, "valid": VALIDATION}
LIMIT = 2**64 // 6 + 1  # of a hash's first eight bytes, so that a sixth of all is for the test
FEW = 10  # images of a class: less says little
LISTED = 50  # classes, each in a row; of more, those with the most and the fewest images
ENDS = 5


class Options(NamedTuple):
    """What a person may say of the data, false where these say it themselves.

    The rows and columns that images are resized to; of a table the rows, columns, and 3 if RGB, of
    an image, the column of labels, and that no line names the columns.
    """

    size: tuple[int, ...] | None = None
    shape: tuple[int, ...] | None = None
    label: str | None = None
    no_header: bool = False


class Split(NamedTuple):
    """Images, uint8 (n, rows, columns) or (n, rows, columns, 3), and labels, (n,).

    Labels are text as they are read, then the numbers of classes.
    """

    images: NDArray[np.uint8]
    labels: NDArray[Any]


class RawDataset(NamedTuple):
    """What was read: "train", and "test" and "val" where the data have them; classes in order.

    Without classes, each label is one. `ordered` data keep their order, as of files with a hash.
    `prepared` and `decoder` are those of datasets.yaml, where they are known.
    """

    parts: dict[str, Split]
    classes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    ordered: bool = False
    prepared: str = ""
    decoder: str = ""


class ImportedDataset(NamedTuple):
    """The training and the test set, the classes by label, and what to look at.

    The last `validation` training images are a validation set of its own. `prepared` and `decoder`
    are those of datasets.yaml, where they are known.
    """

    training: Split
    test: Split
    classes: tuple[str, ...]
    validation: int
    warnings: list[str]
    prepared: str
    decoder: str


def part_of(name: str) -> str | None:
    """Return the part that a directory or file is called after, in any of the usual words."""
    word = re.sub(r"[-_ ](set|\d+-of-\d+)$", "", name.lower())
    part = WORDS.get(word, word)
    return part if part in PARTS else None


def splits(lengths: dict[str, int], images: NDArray[np.uint8], labels: Any) -> dict[str, Split]:
    """Return the parts of so many images that lie one after another."""
    ends = np.cumsum([*lengths.values()])[:-1]
    pairs = zip(np.split(images, ends), np.split(np.array(labels, np.str_), ends), strict=True)
    return {part: Split(*pair) for part, pair in zip(lengths, pairs, strict=True)}


def class_name(label: str) -> str:
    """Return the class of a label, which every machine writes alike: macOS decomposes accents."""
    return unicodedata.normalize("NFC", label).strip()


def shortened(names: Sequence[object]) -> str:
    """Return some of `names`, in one line."""
    words = (" ".join(str(name).split()) for name in names[:5])
    return ", ".join(words) + (", ..." if len(names) > 5 else "")


def check_size(place: object, rows: int, columns: int) -> None:
    """Raise DataError if images are too large."""
    if not 1 <= rows <= MAX_SIDE or not 1 <= columns <= MAX_SIDE:
        raise DataError(
            f"{place}: images of {rows} x {columns} pixels; allowed are 1 x 1 to {MAX_SIDE} x "
            f"{MAX_SIDE}, and --size 28x28 resizes them"
        )


def prepare(place: str, raw: RawDataset) -> ImportedDataset:
    """Return the data as the pipeline takes them; DataError, in one line, if it cannot.

    Where there is no test set, each image goes to the side that the SHA-256 of its pixels says. In
    that order they are written, so that the last training images are a fair sample.
    """
    _check_shapes(place, raw.parts)
    classes, indices = _encode(place, raw)
    parts = {
        name: Split(part.images, labels)
        for (name, part), labels in zip(raw.parts.items(), indices, strict=True)
    }
    hashes = {name: _hashes(part.images) for name, part in parts.items()}
    if TEST not in parts:
        parts, hashes = _split(parts[TRAIN], hashes[TRAIN])
    if not raw.ordered:
        for name, part in parts.items():
            order = np.lexsort((part.labels, hashes[name]))
            hashes[name] = hashes[name][order]
            parts[name] = Split(*(array[order] for array in part))
    training, validation = parts[TRAIN], parts.get(VALIDATION)
    if validation:
        training = Split(*map(np.concatenate, zip(training, validation, strict=True)))
        hashes[TRAIN] = np.concatenate([hashes[TRAIN], hashes[VALIDATION]])
    found = ImportedDataset(
        training,
        parts[TEST],
        classes,
        len(validation.labels) if validation else 0,
        [*raw.warnings, *_alike(classes)],
        raw.prepared,
        raw.decoder,
    )
    _check_counts(place, found)
    found.warnings.extend(_odd(found, hashes[TRAIN], hashes[TEST]))
    return found


def _check_shapes(place: str, parts: dict[str, Split]) -> None:
    """Raise DataError unless all parts have images of one shape, and a label for each."""
    for name, part in parts.items():
        if len(part.images) != len(part.labels):
            raise DataError(
                f"{place}: {len(part.labels)} labels for {len(part.images)} {name} images"
            )
    (shape, first), *others = {part.images.shape[1:]: name for name, part in parts.items()}.items()
    for other, name in others:
        old, new = (" x ".join(map(str, sides)) for sides in (shape, other))
        raise DataError(f"{place}: {first} images are {old}, {name} images {new}")
    check_size(place, *shape[:2])
    if shape[2:] not in ((), (3,)):
        raise DataError(f"{place}: {shape[2]} values a pixel; allowed are 1 and 3, of RGB")


DIGITS = re.compile("0|[1-9][0-9]{0,17}")  # of a number that is written in one way
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf)", re.IGNORECASE)


def _encode(place: str, raw: RawDataset) -> tuple[tuple[str, ...], list[NDArray[np.uint16]]]:
    """Return the names of the classes, and the labels of each part as numbers of them.

    Numbers, written as digits, are sorted as such if no class has another name.
    """
    written = np.concatenate([part.labels for part in raw.parts.values()])
    values, indices, counts = np.unique(written, return_inverse=True, return_counts=True)
    for value, count in zip(values.tolist(), counts, strict=True):
        odd = NUMBER.fullmatch(value) and not value.isdecimal()
        if not value.strip() or (odd and not raw.classes):
            raise DataError(
                f"{place}: label {value!r} of {count} images is no class; classes are whole "
                "numbers from 0, or names"
            )
    names = list(map(class_name, values.tolist()))
    classes = list(raw.classes) or sorted(set(names))
    if not raw.classes and all(map(DIGITS.fullmatch, classes)):
        classes.sort(key=int)
    if not 2 <= len(classes) <= CLASSES:
        listed = f" ({shortened(classes)})" if classes else ""
        kind = "class" if len(classes) == 1 else "classes"
        raise DataError(f"{place}: {len(classes)} {kind}{listed}; 2 to {CLASSES} are allowed")
    for name in classes:
        if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
            allowed = f"a name has 1 to {MAX_NAME} letters, none of them invisible"
            raise DataError(f"{place}: class {name!r}; {allowed}")
    number = {name: k for k, name in enumerate(classes)}
    encoded = np.array([number[name] for name in names], np.uint16)[indices]
    ends = np.cumsum([len(part.labels) for part in raw.parts.values()])[:-1]
    return tuple(classes), np.split(encoded, ends)


def _hashes(images: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """Return the SHA-256 of the pixels of each image, (n,)."""
    bar = tqdm(images, "hashes", unit=" images", leave=False, disable=None)
    return np.array([hashlib.sha256(image.tobytes()).hexdigest() for image in bar], "S64")


def _split(
    part: Split, hashes: NDArray[np.bytes_]
) -> tuple[dict[str, Split], dict[str, NDArray[np.bytes_]]]:
    """Return about a sixth of each class as test set, equal images on one side.

    Of a class that has none on a side, the images nearest to it go there.
    """
    numbers = np.array([int(digest[:16], 16) for digest in hashes.tolist()], np.uint64)
    test = numbers < LIMIT
    for label in np.unique(part.labels):
        own = part.labels == label
        if not test[own].any():
            test |= numbers == numbers[own].min()
        elif test[own].all():
            test &= numbers != numbers[own].max()
    sides = {TRAIN: ~test, TEST: test}
    parts = {name: Split(*(array[side] for array in part)) for name, side in sides.items()}
    return parts, {name: hashes[side] for name, side in sides.items()}


def _check_counts(place: str, found: ImportedDataset) -> None:
    """Raise DataError unless each class has training and test images."""
    names = found.classes
    counts = [
        np.bincount(part.labels, minlength=len(names)) for part in (found.training, found.test)
    ]
    if len(lacking := np.flatnonzero((counts[0] == 0) | (counts[1] == 0))):
        training, test = (count[lacking[0]] for count in counts)
        others = f", and {len(lacking) - 1} more lack some" if len(lacking) > 1 else ""
        raise DataError(
            f"{place}: class {names[lacking[0]]} has {training} training and {test} test images"
            f"{others}; each of the {len(names)} classes needs both. Add images or leave it out."
        )


def _alike(classes: Sequence[str]) -> list[str]:
    """Return a warning for classes whose names differ by case only."""
    counts = Counter(name.casefold() for name in classes)
    alike = [name for name in classes if counts[name.casefold()] > 1]
    return [f"the names of these classes differ by case only: {shortened(alike)}"] * bool(alike)


def _odd(
    found: ImportedDataset, training: NDArray[np.bytes_], test: NDArray[np.bytes_]
) -> list[str]:
    """Return what may be wrong, each in a line; the hashes are those of the images."""
    warnings = []
    if known := np.isin(test, training).sum():
        total = len(test)
        warnings.append(f"{known:,} of {total:,} test images are in the training set, too")
    pairs = np.unique(np.rec.fromarrays([training, found.training.labels]))
    digests, counts = np.unique(pairs["f0"], return_counts=True)
    if len(twice := digests[counts > 1]):
        names = [found.classes[k] for k in pairs["f1"][pairs["f0"] == twice[0]]]
        warnings.append(
            f"{len(twice):,} training images are in more than one class, such as in "
            f"{' and '.join(names[:2])}"
        )
    brightest = max(part.images.max() for part in (found.training, found.test))
    if brightest <= 1:
        warnings.append(f"pixels are 0 to {brightest}, where white is 255; multiply them by 255")
    for name, part in (("training", found.training), ("test", found.test)):
        per_class = np.bincount(part.labels, minlength=len(found.classes))
        if few := np.count_nonzero(per_class < FEW):
            rarest = found.classes[int(per_class.argmin())]
            warnings.append(
                f"{few} of {len(per_class)} classes have fewer than {FEW} {name} images; class "
                f"{rarest} has {per_class.min()}"
            )
    return warnings


def validation_sizes(labels: NDArray[np.integer[Any]]) -> tuple[int, int]:
    """Return with how many of the last training images, at least and at most, both sides are fair.

    Then every class is in the validation set and in what is left to train on.
    """
    first = np.unique(labels, return_index=True)[1].max() + 1
    last = np.unique(labels[::-1], return_index=True)[1].max() + 1
    return int(last), len(labels) - int(first)


def summary(found: ImportedDataset) -> str:
    """Return a line and a table of classes."""
    parts = found.training, found.test
    rows, columns, *rgb = found.training.images.shape[1:]
    counts = [np.bincount(part.labels, minlength=len(found.classes)).tolist() for part in parts]
    table = [
        (name, *map("{:,}".format, row)) for name, *row in zip(found.classes, *counts, strict=True)
    ]
    if len(table) > LISTED:
        order = np.argsort(counts[0], kind="stable")[::-1]
        table = [table[k] for k in order]
        table[ENDS:-ENDS] = [("...", "...", "...")]
    training, test = (f"{len(part.labels):,}" for part in parts)
    head = (
        f"{training} training and {test} test images of {rows} x {columns} "
        f"{'RGB' if rgb else 'gray'} pixels, {len(found.classes)} classes"
    )
    align = ("left", "right", "right")
    columns = ["class", "training", "test"]
    return f"{head}\n\n{tabulate(table, columns, disable_numparse=True, colalign=align)}"
