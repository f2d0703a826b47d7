"""Write outputs with the same bytes everywhere, completely or not at all."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # stage check needs no arrays
    from softmax.core.arrays import Table

DVCIGNORE = Path(".dvcignore")


def to_json(value: Any) -> bytes:
    """Return JSON with sorted keys, floats in shortest round-trip form, and a final newline."""
    return (json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()


def to_csv(table: "Table") -> bytes:
    """Return CSV with a header, floats in shortest round-trip form, and LF line endings."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([[*table], *zip(*(x.tolist() for x in table.values()), strict=True)])
    return text.getvalue().encode()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5(path: Path) -> str:
    """Return the MD5 of a file in hexadecimal, or for a directory the MD5 that DVC computes.

    DVC hashes a list of the directory's files, without those that .dvcignore excludes.
    """
    if path.is_dir():
        import pathspec  # not needed in stages that do not hash a directory

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
    """Write all `files` under temporary names, then rename all of them. Return the paths.

    The files of a generator are written one by one, so only one is in memory. All other files in
    the directory `only_in` are removed.
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
            error.filename = error.filename or str(path)  # Python omits it if the disk is full
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
