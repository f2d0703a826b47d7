"""CSV: a column of labels and a column for each pixel."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from importing.pins import PLACE, Pin, noise

PATH = Path("mine.csv")
PIXELS = noise(90, 9)
LABELS = np.arange(90) % 3


def write(path: Path = PATH, column: str = "label", **columns: Any) -> None:
    """Write the pixels and labels, or others, as CSV."""
    content = pd.DataFrame(PIXELS, columns=[f"pixel{k}" for k in range(PIXELS.shape[1])])
    content.insert(3, column, LABELS)
    content.assign(**columns).to_csv(path, index=False)


def test_training_and_test_file(pin: Pin) -> None:
    write(PLACE / "train.csv", "class")
    write(PLACE / "test.csv", "class")
    pinned = pin()
    assert pinned.classes == ("0", "1", "2")
    for images, labels in (pinned.arrays[:2], pinned.arrays[2:]):
        assert np.array_equal(images, PIXELS.reshape(-1, 3, 3))
        assert np.array_equal(labels, LABELS)
    write(PLACE / "test.csv", "class", pixel9=0)
    pin.refused(PLACE, "train.csv and test.csv have other columns")


def test_columns_of_any_names_are_pixels(pin: Pin) -> None:
    """Numbers, as pandas writes them, none, and one that comes twice."""
    for names in (range(9), [""] * 9, ["a", "a", *"bcdefgh"]):
        table = pd.DataFrame(PIXELS, columns=list(map(str, names)))
        table.insert(0, "label", LABELS)
        table.to_csv(PATH, index=False)
        assert sum(map(len, pin(PATH).arrays[::2])) == 90


def test_a_test_file_without_labels_is_left_out(pin: Pin) -> None:
    write(PLACE / "train.csv")
    pd.DataFrame(PIXELS).to_csv(PLACE / "test.csv", index=False)
    pinned = pin()
    assert sum(len(labels) for labels in pinned.arrays[1::2]) == 90
    assert "test.csv has no labels and is left out" in pinned.warnings[0]


def test_a_single_file_is_split_by_the_hash_of_the_pixels(pin: Pin) -> None:
    write()
    training, _, test, labels = pin(PATH).arrays
    hashes = [int(hashlib.sha256(row.tobytes()).hexdigest()[:16], 16) for row in PIXELS]
    chosen = [k for k, number in enumerate(hashes) if number < 2**64 / 6]
    assert 5 < len(chosen) < 30
    assert np.array_equal(test, PIXELS[chosen].reshape(-1, 3, 3))
    assert np.array_equal(labels, LABELS[chosen])
    assert len(training) + len(test) == 90


def test_files_may_be_larger_than_what_is_read_at_a_time(pin: Pin) -> None:
    columns = ",".join(f"p{k}" for k in range(100))
    rest = ",".join(["7"] * 99)
    rows = [f"{k % 2},{k % 256},{rest}\n" for k in range(50_000)]
    PATH.write_text(f"label,{columns}\n{''.join(rows)}")
    training, odd, test, _ = pin(PATH).arrays
    assert len(training) + len(test) == 50_000
    assert (odd == training[:, 0, 0] % 2).all()
    PATH.write_text(PATH.read_text().removesuffix("\n") + "56\n")
    pin.refused(PATH, "image 50000, column p99: '756'; pixels are whole numbers from 0 to 255")


def test_shape_and_column_can_be_said(pin: Pin) -> None:
    write(column="digit")
    pin.refused(PATH, "0 of them called label or class; should be one, beside the pixels")
    assert pin(PATH, label="digit", shape="1x9").arrays[0].shape[1:] == (1, 9)
    assert pin(PATH, label="digit", shape="1x3x3").arrays[0].shape[1:] == (1, 3, 3)
    pin.refused(PATH, "9 pixel columns are not 2 x 4", label="digit", shape="2x4")
    write(pixel9=0)
    pin.refused(PATH, "10 pixel columns are no square; say --shape 20x30")


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (["5", "10", "15"], ("5", "10", "15")),
        (["10", "09", "1"], ("09", "1", "10")),
        (["NA", "null", "x y"], ("NA", "null", "x y")),
        (["9", "10", "A"], ("10", "9", "A")),
    ],
)
def test_numbers_are_sorted_as_numbers_and_names_as_names(
    pin: Pin, names: list[str], classes: tuple[str, ...]
) -> None:
    write(label=np.array(names)[LABELS])
    pinned = pin(PATH)
    labels = [pinned.classes[k] for part in pinned.arrays[1::2] for k in part]
    assert pinned.classes == classes
    assert sorted(labels) == sorted(np.array(names)[LABELS])


FAULTS: dict[str, dict[str, Any]] = {
    "image 2, column pixel0: '256'; pixels are whole": {"pixel0": [1, 256] + [3] * 88},
    "image 2, column pixel0: '-1'; pixels are whole": {"pixel0": [1, -1] + [3] * 88},
    "image 1, column pixel1: '0.5'; pixels are whole": {"pixel1": 0.5},
    "image 90, column pixel8: ''; pixels are whole": {"pixel8": ["7"] * 89 + [""]},
    "label '-1' of 90 images is no class; classes are whole": {"label": -1},
    "label '1.5' of 1 images is no class": {"label": [1.5] + [2] * 89},
    "label '' of 90 images is no class": {"label": ""},
}
NO_TABLES = {
    "not CSV: No columns": b"",
    "not CSV: 'utf-8' codec": b"\xff\xfe",
    "not CSV: Error tokenizing data. C error: Expected 2 fields": b"label,a\n1,2\n1,2,3\n",
    "not CSV: Length of header or names": b"label,a\n1,2,3\n1,2,3\n",
    "1 columns (label), 1 of them called label or class": b"label\n1\n",
    "the first line looks like an image": b"1,2\n3,4\n",
    "3 columns (label, class, a), 2 of them called label or class": b"label,class,a\n1,2,3\n",
    "3 columns (label, label, a), 2 of them called label": b"label,label,a\n1,2,3\n",
    "0 classes": b"label,a\n",
    "image 3, column a: '300'": b"label,a\r\r\n1,2\r\r\n1,3\r\r\n1,300\r\r\n",
}


@pytest.mark.parametrize("reason", [*FAULTS, *NO_TABLES])
def test_faults_are_refused(pin: Pin, reason: str) -> None:
    if reason in FAULTS:
        write(**FAULTS[reason])
    else:
        PATH.write_bytes(NO_TABLES[reason])
    pin.refused(PATH, f"mine.csv: {reason}")
