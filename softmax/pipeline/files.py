"""Write outputs: the same bytes everywhere, and complete files or none."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax.core.arrays import Table, table

DVCIGNORE = Path(".dvcignore")


def to_json(value: Any) -> bytes:
    """Return JSON with sorted keys, floats in shortest round-trip form, and a final newline."""
    return (json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()


def to_csv(table: Table) -> bytes:
    """Return CSV with a header, floats in shortest round-trip form, and newlines (LF)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([[*table], *zip(*(x.tolist() for x in table.values()), strict=True)])
    return text.getvalue().encode()


def read_csv(path: Path) -> Table:
    """Read a CSV with a header and at least one row: columns of int64, float64 or str, (n,)."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return {name: _typed(cells) for name, cells in table(header, rows).items()}


def _typed(cells: NDArray[Any]) -> NDArray[Any]:
    """Convert to the first type that can hold all cells."""
    for dtype in (np.int64, np.float64):
        with suppress(ValueError):
            return cells.astype(dtype)
    return cells


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5(path: Path) -> str:
    """Return the MD5 of a file, or of the list of a directory's files as DVC does, in hexadecimal.

    Files that .dvcignore names are left out.
    """
    if path.is_dir():
        import pathspec  # most stages hash no directory

        lines = DVCIGNORE.read_text().splitlines() if DVCIGNORE.exists() else []
        ignored = pathspec.GitIgnoreSpec.from_lines(lines)
        found = (file for file in path.rglob("*") if file.is_file())
        kept = (file for file in found if not ignored.match_file(file))
        inside = sorted(str(file.relative_to(path)) for file in kept)
        entries = [{"md5": md5(path / name), "relpath": name} for name in inside]
        content = json.dumps(entries, sort_keys=True).encode()
        return hashlib.md5(content, usedforsecurity=False).hexdigest() + ".dir"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def write(
    files: Mapping[Path, bytes] | Iterable[tuple[Path, bytes]], *, only_in: Path | None = None
) -> list[Path]:
    """Write all `files`, and give them their names only when all are complete. Return the paths.

    A generator's pairs are written one by one, so only one content is in memory. All other files
    in the directory `only_in` are removed.
    """
    paths: list[Path] = []
    try:
        for path, content in files.items() if isinstance(files, Mapping) else files:
            paths.append(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            _partial(path).write_bytes(content)
        for path in paths:
            _partial(path).replace(path)
    except OSError as error:
        if paths:
            error.filename = error.filename or str(path)  # missing if the disk is full
        raise
    finally:
        for path in paths:
            _partial(path).unlink(missing_ok=True)
    if only_in:
        for path in set(only_in.iterdir()) - set(paths):
            path.unlink()
    return paths


def _partial(path: Path) -> Path:
    return path.with_name(path.name + ".partial")
