"""CSV: a column of labels and a column for each pixel."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pinning.pins import Pin, noise

PIXELS = noise(90, 9)
LABELS = np.arange(90) % 3


def write(path: Path, column: str = "label", **columns: Any) -> Path:
    """Write the pixels and labels, or others, as CSV."""
    content = pd.DataFrame(PIXELS, columns=[f"pixel{k}" for k in range(PIXELS.shape[1])])
    content.insert(3, column, LABELS)
    content.assign(**columns).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("name", ["label", "class"])
def test_training_and_test_file(pin: Pin, tmp_path: Path, name: str) -> None:
    write(tmp_path / "train.csv", name)
    write(tmp_path / "test.csv", name)
    classes, arrays, *_ = pin(tmp_path)
    assert classes == ("0", "1", "2")
    for images, labels in (arrays[:2], arrays[2:]):
        assert np.array_equal(images, PIXELS.reshape(-1, 3, 3))
        assert np.array_equal(labels, LABELS)


def test_a_single_file_is_split_by_the_hash_of_the_pixels(pin: Pin, tmp_path: Path) -> None:
    training, _, test, labels = pin(write(tmp_path / "mine.csv")).arrays
    hashes = [int(hashlib.sha256(row.tobytes()).hexdigest()[:16], 16) for row in PIXELS]
    chosen = [k for k, number in enumerate(hashes) if number < 2**64 / 6]
    assert 5 < len(chosen) < 30
    assert np.array_equal(test, PIXELS[chosen].reshape(-1, 3, 3))
    assert np.array_equal(labels, LABELS[chosen])
    assert len(training) + len(test) == 90


def test_rows_come_in_pieces(pin: Pin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "mine.csv")
    whole = pin(path).arrays
    monkeypatch.setattr("softmax.pinning.table.CELLS", 70)  # millions, else
    assert all(map(np.array_equal, pin(path).arrays, whole))
    write(path, pixel8=[0] * 80 + [256] + [0] * 9)
    pin.refused(path, "image 81, column pixel8: '256'; pixels are")


def test_shape_and_column_can_be_said(pin: Pin, tmp_path: Path) -> None:
    path = write(tmp_path / "mine.csv", "digit")
    pin.refused(path, "0 of them called label or class; should be one, beside the pixels")
    assert pin(path, label="digit", shape="1x9").arrays[0].shape[1:] == (1, 9)
    assert pin(path, label="digit", shape="1x3x3").arrays[0].shape[1:] == (1, 3, 3)
    pin.refused(path, "9 pixel columns are not 2 x 4", label="digit", shape="2x4")
    pin.refused(write(path, pixel9=0), "10 pixel columns are no square; say SHAPE=20x30")


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
    pin: Pin, tmp_path: Path, names: list[str], classes: tuple[str, ...]
) -> None:
    pinned = pin(write(tmp_path / "mine.csv", label=np.array(names)[LABELS]))
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


@pytest.mark.parametrize("reason", FAULTS)
def test_faults_are_refused(pin: Pin, tmp_path: Path, reason: str) -> None:
    path = write(tmp_path / "mine.csv", **FAULTS[reason])
    pin.refused(path, f"{path}: {reason}")


NO_TABLES = {
    b"": "not CSV: No columns",
    b"\xff\xfe": "not CSV: 'utf-8' codec",
    b"label,a\n1,2\n1,2,3\n": "not CSV: Error tokenizing data. C error: Expected 2 fields",
    b"label,a\n1,2,3\n1,2,3\n": "not CSV: Length of header or names",
    b"label\n1\n": "1 columns (label), 1 of them called label or class",
    b"1,2\n": "2 columns (1, 2), 0 of them called label or class",
    b"label,class,a\n1,2,3\n": "3 columns (label, class, a), 2 of them called label or class",
    b"label,a\n": "0 classes",
}


@pytest.mark.parametrize("content", NO_TABLES)
def test_what_is_no_table_is_refused(pin: Pin, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    pin.refused(path, f"{path}: {NO_TABLES[content]}")


def test_other_columns_in_the_test_file_are_refused(pin: Pin, tmp_path: Path) -> None:
    write(tmp_path / "train.csv")
    write(tmp_path / "test.csv", pixel9=0)
    pin.refused(tmp_path, "train.csv and test.csv have other columns")
