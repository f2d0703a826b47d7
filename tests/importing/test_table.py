"""Test tables in CSV or Parquet: a column of labels, and pixels or images."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from importing.data_add import PLACE, Add, noise, pairs
from PIL import Image
from pyarrow import parquet

PATH = Path("mine.csv")
PIXELS = noise(90, 9)
LABELS = np.arange(90) % 3


def write(path: Path = PATH, column: str = "label", **columns: Any) -> None:
    """Write PIXELS and LABELS as CSV, with `columns` replaced."""
    content = pd.DataFrame(PIXELS, columns=[f"pixel{k}" for k in range(PIXELS.shape[1])])
    content.insert(3, column, LABELS)
    content.assign(**columns).to_csv(path, index=False)


def test_a_training_and_a_test_file_are_imported(add: Add) -> None:
    write(PLACE / "train.csv", "class")
    write(PLACE / "test.csv", "class")
    result = add()
    assert result.classes == ("0", "1", "2")
    assert result.pairs(0) == result.pairs(1) == pairs(PIXELS, LABELS)
    write(PLACE / "test.csv", "class", pixel9=0)
    add.rejected(PLACE, "test.csv: its columns differ from those of place/train.csv")
    (PLACE / "test.csv").rename(PLACE / "test-00000-of-00002.csv")
    add.rejected(PLACE, "place: 1 of 2 test files found. Add the missing")
    write(PLACE / "training.csv", "class")
    add.rejected(PLACE, "place: train.csv and training.csv are both train files. Remove one.")


def test_without_a_header_the_first_column_has_the_labels(add: Add) -> None:
    write()
    expected = [add(PATH).pairs(part) for part in (0, 1)]
    table = np.insert(PIXELS.astype(int), 0, LABELS, axis=1)
    np.savetxt(PATH, table, "%d", ",")
    add.rejected(PATH, "the first line looks like an image. If so, add --no-header")
    result = add(PATH, no_header="yes")
    assert [result.pairs(part) for part in (0, 1)] == expected
    np.savetxt(PATH, np.roll(table, -1, axis=1), "%d", ",")
    assert add(PATH, no_header="yes", label="9").pairs(0) == expected[0]


def test_a_table_may_contain_images_or_their_file_names(add: Add) -> None:
    """Import CSV with file names, and Parquet with pixels or with images as on Hugging Face."""
    files = [f"{k:02}.png" for k in range(90)]
    for file, image in zip(files, PIXELS.reshape(-1, 3, 3), strict=True):
        Image.fromarray(image).save(PLACE / file)
    table = pd.DataFrame({"filename": files, "label": LABELS, "width": 3})
    table.to_csv(PLACE / "labels.csv", index=False)
    write()
    expected = add(PATH).pairs(0)
    assert add(PLACE / "labels.csv").pairs(0) == expected
    pd.read_csv(PATH).to_parquet("pixels.parquet")
    assert add("pixels.parquet").pairs(0) == expected
    images = [{"bytes": (PLACE / file).read_bytes(), "path": None} for file in files]
    features = {"label": {"names": ["owl", "cat", "dog"], "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    hub = pa.table({"image": images, "label": LABELS}).replace_schema_metadata(metadata)
    Path("hub").mkdir()
    for name in ("train-00000-of-00002", "train-00001-of-00002", "test-00000-of-00001"):
        parquet.write_table(hub, f"hub/{name}.parquet")
    result = add("hub")
    assert result.classes == ("owl", "cat", "dog")
    assert result.pairs(1) == pairs(PIXELS, np.array(result.classes)[LABELS])
    assert len(result.arrays[0]) == 180
    (PLACE / files[7]).unlink()
    add.rejected(PLACE / "labels.csv", f"{PLACE / files[7]}: not a file")


def test_pixel_columns_may_have_any_names(add: Add) -> None:
    """Use numbers as names, as pandas does, and empty and duplicate names."""
    for names in (range(9), [""] * 9, ["a", "a", *"bcdefgh"]):
        table = pd.DataFrame(PIXELS, columns=list(map(str, names)))
        table.insert(0, "label", LABELS)
        table.to_csv(PATH, index=False)
        assert sum(map(len, add(PATH).arrays[::2])) == 90


def test_a_test_file_without_labels_is_left_out(add: Add) -> None:
    write(PLACE / "train.csv")
    pd.DataFrame(PIXELS).to_csv(PLACE / "test.csv", index=False)
    result = add()
    assert sum(len(labels) for labels in result.arrays[1::2]) == 90
    assert "test.csv has no labels and is ignored" in result.warnings[0]


def test_tables_may_be_larger_than_a_chunk(add: Add) -> None:
    columns = ",".join(f"p{k}" for k in range(100))
    rest = ",".join(["7"] * 99)
    rows = [f"{k % 2},{k % 256},{rest}\n" for k in range(50_000)]
    PATH.write_text(f"label,{columns}\n{''.join(rows)}")
    training, labels, test, _ = add(PATH).arrays
    assert len(training) + len(test) == 50_000
    assert (labels == training[:, 0, 0] % 2).all()
    PATH.write_text(PATH.read_text().removesuffix("\n") + "56\n")
    add.rejected(PATH, "image 50000, column p99: '756' is not a pixel. Use integers from 0 to 255.")


def test_options_set_the_shape_and_the_label_column(add: Add) -> None:
    write(column="digit")
    add.rejected(PATH, "0 of them called label or class. Store labels in one column")
    assert add(PATH, label="digit", shape="1x9").arrays[0].shape[1:] == (1, 9)
    assert add(PATH, label="digit", shape="1x3x3").arrays[0].shape[1:] == (1, 3, 3)
    add.rejected(PATH, "9 pixel columns do not form 2 x 4", label="digit", shape="2x4")


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (["5", "10", "15"], ("5", "10", "15")),
        (["10", "09", "1"], ("09", "1", "10")),
        (["NA", "null", "x y"], ("NA", "null", "x y")),
        (["9", "10", "A"], ("10", "9", "A")),
    ],
)
def test_numeric_classes_are_sorted_as_numbers(
    add: Add, names: list[str], classes: tuple[str, ...]
) -> None:
    write(label=np.array(names)[LABELS])
    result = add(PATH)
    labels = [result.classes[k] for part in result.arrays[1::2] for k in part]
    assert result.classes == classes
    assert sorted(labels) == sorted(np.array(names)[LABELS])


FAULTS: dict[str, dict[str, Any] | bytes] = {  # the columns to replace, or the complete file
    "image 2, column pixel0: '256' is not a pixel": {"pixel0": [1, 256] + [3] * 88},
    "image 2, column pixel0: '-1' is not a pixel": {"pixel0": [1, -1] + [3] * 88},
    "image 1, column pixel1: '0.5' is not a pixel": {"pixel1": 0.5},
    "image 90, column pixel8: '' is not a pixel": {"pixel8": ["7"] * 89 + [""]},
    "label '-1' of 90 images is not a class. Use integers": {"label": -1},
    "label '1.5' of 1 images is not a class": {"label": [1.5] + [2] * 89},
    "label '' of 90 images is not a class": {"label": ""},
    "0 columns (), 0 of them called label or class": b"",
    "invalid CSV: 'utf-8' codec": b"\xff\xfe",
    "invalid CSV: CSV parse error: Row #3: Expected 2 columns, got 3": b"label,a\n1,2\n1,2,3\n",
    "1 columns (label), 1 of them called label or class": b"label\n1\n",
    "3 columns (label, class, a), 2 of them called label or class": b"label,class,a\n1,2,3\n",
    "3 columns (label, label, a), 2 of them called label": b"label,label,a\n1,2,3\n",
    "number of classes is 0 (none)": b"label,a\n",
    "image 3, column a: '300'": b"label,a\r\r\n1,2\r\r\n1,3\r\r\n1,300\r\r\n",
}


CLASSES = {b"huggingface": b'{"info": {"features": {"label": {"names": ["owl", "cat"]}}}}'}
INVALID: dict[str, tuple[list[Any], dict[bytes, bytes]]] = {
    "image 2: label None is not a class": ([0, None], {}),
    "image 1: label [0] is not a class": ([[0], [1]], {}),
    "image 1: label -1 is not a class": ([-1, 1], CLASSES),
    "image 2: label 2 is not a class": ([0, 2], CLASSES),
}


@pytest.mark.parametrize("reason", INVALID)
def test_invalid_parquet_labels_are_rejected(add: Add, reason: str) -> None:
    labels, metadata = INVALID[reason]
    table = pa.table({"label": labels, "a": [1, 2]}).replace_schema_metadata(metadata)
    parquet.write_table(table, "mine.parquet")
    add.rejected("mine.parquet", f"mine.parquet: {reason}")


@pytest.mark.parametrize("reason", FAULTS)
def test_invalid_files_are_rejected(add: Add, reason: str) -> None:
    fault = FAULTS[reason]
    PATH.write_bytes(fault) if isinstance(fault, bytes) else write(**fault)
    add.rejected(PATH, f"mine.csv: {reason}")
