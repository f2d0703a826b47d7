"""The entry of a data set in datasets.yaml."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from softmax.errors import DataError
from softmax.pinning.found import Found
from softmax.pipeline import catalog, files


def named(name: str, found: Found) -> Found:
    """The data, with the names that the entry has for their classes where they have but numbers."""
    names = _load(_yaml()).get(name, {}).get("classes", [])
    if list(found.classes) == list(map(str, range(len(names)))):
        return found._replace(classes=list(map(str, names)))
    return found


def write(name: str, found: Found, folder: Path) -> None:
    """Put the entry of the data, whose files are in `folder`, in the place of what it was."""
    yaml, text = _yaml(), io.BytesIO()
    content = _load(yaml)
    entry = content.setdefault(name, {})
    entry["images"] = _line([len(part.labels) for part in (found.training, found.test)])
    entry["shape"] = _line(found.training.images.shape[1:])
    entry["classes"] = _line(map(DoubleQuotedScalarString, found.classes))
    entry.update({file: files.sha256(folder / file) for file in catalog.FILES})
    yaml.dump(content, text)
    files.write({catalog.PATH: text.getvalue()})


def _yaml() -> YAML:
    """What reads and writes datasets.yaml, and keeps comments, order and quotes."""
    yaml = YAML()
    yaml.width = 100
    yaml.preserve_quotes = True
    return yaml


def _load(yaml: YAML) -> Any:
    """The entries by name; DataError if they cannot be read."""
    try:
        content = yaml.load(catalog.PATH.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{catalog.PATH.name}: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise DataError(f"{catalog.PATH.name}: should name data sets")
    return content


def _line(values: Iterable[Any]) -> CommentedSeq:
    """`values` as a list in one line."""
    line = CommentedSeq(values)
    line.fa.set_flow_style()
    return line
