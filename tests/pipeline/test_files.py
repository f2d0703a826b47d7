"""Facts: their bytes, and that they appear together or not at all."""

import json
import resource
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from softmax.pipeline import files

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def contents(directory: Path) -> Mapping[str, bytes]:
    """Every file below `directory`."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_json_is_sorted_indented_and_ends_with_a_newline() -> None:
    value = {"loss": 0.1, "accuracy": {"b": 1e-07, "a": 1}, "all": [1.0, 2]}
    assert files.to_json(value) == (
        b'{\n  "accuracy": {\n    "a": 1,\n    "b": 1e-07\n  },\n'
        b'  "all": [\n    1.0,\n    2\n  ],\n  "loss": 0.1\n}\n'
    )


@given(FINITE)
def test_json_floats_are_the_shortest_that_come_back(x: float) -> None:
    written = files.to_json(x)
    assert written == f"{x!r}\n".encode()
    assert json.loads(written) == x


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_has_no_nan(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.to_json({"loss": value})


def test_csv_has_a_header_and_no_index() -> None:
    table = pd.DataFrame({"step": [100, 200], "loss": [2.25, 0.1]})
    assert files.to_csv(table) == b"step,loss\n100,2.25\n200,0.1\n"


@given(FINITE)
def test_csv_floats_are_the_shortest_that_come_back(x: float) -> None:
    assert files.to_csv(pd.DataFrame({"x": [x]})) == f"x\n{x!r}\n".encode()


def test_write_makes_directories_and_replaces_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old, and longer")
    files.write({tmp_path / "a": b"new", tmp_path / "deep" / "er" / "b": b"b"})
    assert contents(tmp_path) == {"a": b"new", "deep/er/b": b"b"}


def test_write_changes_no_file_unless_all_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "file").write_bytes(b"in the way")
    targets = [tmp_path / "a", tmp_path / "new", tmp_path / "file" / "b"]
    with pytest.raises(OSError, match="file"):
        files.write(dict.fromkeys(targets, b"new"))
    after = contents(tmp_path)
    assert after["a"] == b"old"
    assert after["file"] == b"in the way"
    assert "new" not in after


def test_write_leaves_a_directory_with_none_but_its_files(tmp_path: Path) -> None:
    images, other = tmp_path / "images", tmp_path / "other"
    files.write({images / "stale.png": b"", other: b"kept"})
    files.write({images / "a.png": b"a", images / "b.png": b"b"}, only_in=images)
    assert contents(tmp_path) == {"images/a.png": b"a", "images/b.png": b"b", "other": b"kept"}


def test_a_disk_that_takes_no_more_is_told_with_the_file(tmp_path: Path) -> None:
    """The system says of a write only what went wrong. A limit of size stands for a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(OSError, match="File too large") as error:
            files.write({tmp_path / "first": b"1", tmp_path / "second": bytes(100)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert error.value.filename == str(tmp_path / "second")
    assert list(tmp_path.iterdir()) == []
