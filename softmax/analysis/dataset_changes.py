"""Describe what changed between two versions of a data set: images, labels and classes.

Images are matched by their pixels and classes by their names, so neither the order of the images
nor the number of a class matters.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from softmax.analysis.model_card import literal

ROWS = 20  # maximum number of classes in the table
SPLITS = {"training": "Training", "test": "Test"}
MATCHES = (  # what two images must have in common, the closest match first
    ["split", "pixels", "class"],
    ["split", "pixels"],
    ["pixels", "class"],
    ["pixels"],
)

Integers = NDArray[np.integer[Any]]


class Version(NamedTuple):
    """A version of a data set: the names of its classes, and images and labels of both sets.

    Images are uint8 (n, rows, columns) or (n, rows, columns, 3). Labels, (n,), are indices.
    """

    classes: Sequence[str]
    training: tuple[Integers, Integers]
    test: tuple[Integers, Integers]


def describe(before: Version, after: Version) -> str:
    """Return a line that counts the changes, and a Markdown table by class if a class changed.

    An image that occurs n times before and m times after counts as added or removed |n - m| times.
    """
    sizes = [" x ".join(map(str, side.training[0].shape[1:])) for side in (before, after)]
    if sizes[0] != sizes[1]:
        return f"The images had {sizes[0]} pixels and have {sizes[1]} now, so none can be matched."
    old, new = _images(before), _images(after)
    removed, added, pairs = old, new, []
    for keys in MATCHES:
        left, right = _match(removed, added, keys)
        pairs.append((left, right))
        removed, added = removed.drop(left), added.drop(right)
    left, right = np.concatenate(pairs, axis=1)
    was, now = old.loc[left].reset_index(), new.loc[right].reset_index()
    moved, relabeled = was["split"] != now["split"], was["class"] != now["class"]
    kinds = {"added": added, "removed": removed, "with a different label": now[relabeled]}
    sentences = []
    for split, title in SPLITS.items():
        sides = [side[side["split"] == split].drop(columns="split") for side in (old, new)]
        found = {kind: (images["split"] == split).sum() for kind, images in kinds.items()}
        sentences.append(_in_words(title, sides, found, moved=bool(moved.any())))
    if moved.any():
        sentences.append(f"Images moved from one set to the other: {moved.sum():,}.")
    for change, side, other in [("added", after, before), ("dropped", before, after)]:
        if names := [name for name in side.classes if name not in set(other.classes)]:
            more = f" and {len(names) - ROWS:,} more" if len(names) > ROWS else ""
            sentences.append(f"Classes {change}: {', '.join(map(literal, names[:ROWS]))}{more}.")
    if set(before.classes) == set(after.classes) and [*before.classes] != [*after.classes]:
        sentences.append("The classes are in a different order.")
    changes = {
        "added": added["class"],
        "removed": removed["class"],
        "relabeled to this class": now["class"][relabeled],
        "relabeled from this class": was["class"][relabeled],
        "moved": now["class"][moved],
    }
    table = _by_class([(before, old), (after, new)], changes)
    return "\n\n".join(filter(None, [" ".join(sentences), table]))


def _in_words(
    title: str, sides: Sequence[pd.DataFrame], found: dict[str, int], *, moved: bool
) -> str:
    """Return a sentence that compares a set before and after, with the counts of its changes."""
    counted = [f"{count:,} {change}" for change, count in found.items() if count]
    if counted or len(sides[0]) != len(sides[1]):
        count = " → ".join(dict.fromkeys(f"{len(side):,}" for side in sides))
        return f"{title} set: {', '.join([f'{count} images', *counted])}."
    same = moved or np.array_equal(sides[0], sides[1])
    order = "" if same else ", in a different order"
    return f"{title} set: the same {len(sides[0]):,} images and labels{order}."


def shared_tests(before: Version, after: Version) -> NDArray[np.int64]:
    """Return the indices of test images that are equal in pixels and class, int64 (2, pairs)."""
    old, new = (_images(side).query("split == 'test'") for side in (before, after))
    return _match(old.reset_index(drop=True), new.reset_index(drop=True), MATCHES[0])


def _images(version: Version) -> pd.DataFrame:
    """Tabulate the images of both sets: the set, a hash of shape and pixels, the class name."""
    names = np.array(version.classes, object)
    tables = []
    for split in SPLITS:
        images, labels = getattr(version, split)
        start = str(images.shape[1:]).encode()
        pixels = [hashlib.sha256(start + image.tobytes()).digest() for image in images]
        tables.append(pd.DataFrame({"split": split, "pixels": pixels, "class": names[labels]}))
    return pd.concat(tables, ignore_index=True)


def _match(before: pd.DataFrame, after: pd.DataFrame, keys: list[str]) -> NDArray[np.int64]:
    """Return the indices of rows with equal `keys`, the k-th with the k-th, int64 (2, pairs)."""
    sides = [side[keys].assign(k=side.groupby(keys).cumcount()) for side in (before, after)]
    before, after = (side.reset_index() for side in sides)
    pairs = before.merge(after, on=[*keys, "k"])[["index_x", "index_y"]]
    return pairs.to_numpy(np.int64).T


def _by_class(
    sides: Sequence[tuple[Version, pd.DataFrame]], changes: dict[str, "pd.Series[str]"]
) -> str:
    """Tabulate the ROWS classes with the most changes. Return "" if no class changed.

    `sides` are both versions with their images. `changes` are classes of images by kind of change.
    """
    names = list(dict.fromkeys(name for version, _ in sides for name in version.classes))
    counts = pd.DataFrame({key: column.value_counts() for key, column in changes.items()}, names)
    counts = counts.fillna(0).astype(int)
    present = [np.isin(names, version.classes) for version, _ in sides]
    total = counts.sum(axis=1) + (present[0] != present[1])
    most = total[total > 0].nlargest(ROWS).index
    if most.empty:
        return ""
    old, new = (
        pd.crosstab(images["class"], images["split"])
        .reindex(index=[*version.classes], columns=[*SPLITS], fill_value=0)
        .astype(str)
        .reindex(names, fill_value="-")
        for version, images in sides
    )
    cells = (
        (old + " → " + new)
        .join(counts.loc[:, counts.any()])
        .loc[[name for name in names if name in most]]
    )
    cells.index = pd.Index([*map(literal, cells.index)], name="class")
    align = ["left", *["right"] * cells.shape[1]]
    table = cells.to_markdown(disable_numparse=True, colalign=align)
    omitted = int((total > 0).sum()) - len(most)
    return table + (f"\n\nClasses with fewer changes, not shown: {omitted:,}." if omitted else "")
