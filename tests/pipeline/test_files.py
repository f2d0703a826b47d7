"""Test the bytes of output files, and that either all or none of them appear."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from softmax.core import arrays
from softmax.errors import FormatError
from softmax.pipeline import files


def test_json_is_sorted_indented_and_ends_with_a_newline() -> None:
    value = {"loss": 0.1, "accuracy": {"b": 1e-07, "a": 1}, "all": [1.0, 2]}
    assert files.to_json(value) == (
        b'{\n  "accuracy": {\n    "a": 1,\n    "b": 1e-07\n  },\n'
        b'  "all": [\n    1.0,\n    2\n  ],\n  "loss": 0.1\n}\n'
    )


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_the_shortest_that_round_trip_and_csv_has_no_index(x: float) -> None:
    assert files.to_json(x) == f"{x!r}\n".encode()
    table = arrays.table(("step", "loss", "why"), [(100, 2.25, None), (200, x, 'a "b", c')])
    written = files.to_csv(table)
    assert written == f'step,loss,why\n100,2.25,\n200,{x!r},"a ""b"", c"\n'.encode()
    assert pd.DataFrame(table).to_csv(index=False, lineterminator="\n").encode() == written


def test_write_creates_directories_replaces_files_and_can_remove_others(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old, and longer")
    images = tmp_path / "deep" / "images"
    files.write({tmp_path / "a": b"new", images / "stale.png": b""})
    files.write({images / "0.png": b"0", images / "1.png": b"1"}, only_in=images)
    found = {path.name: path.read_bytes() for path in (tmp_path / "a", *images.iterdir())}
    assert found == {"a": b"new", "0.png": b"0", "1.png": b"1"}


def test_write_requests_each_file_after_the_previous_one_is_on_disk(tmp_path: Path) -> None:
    """Let the iterator of files raise an error, after which `write` removes its partial files."""

    def pairs() -> Iterator[tuple[Path, bytes]]:
        for k in range(3):
            assert {path.name for path in tmp_path.iterdir()} == {f"{n}.partial" for n in range(k)}
            yield tmp_path / str(k), b"1"
        raise FormatError("no weights")

    with pytest.raises(FormatError):
        files.write(pairs())
    assert not [*tmp_path.iterdir()]
