"""What dvc.lock says of the experiment: its params, its inputs and its outputs."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from dvc_data.hashfile.build import build
from dvc_data.hashfile.db import HashFileDB
from dvc_objects.fs.local import LocalFileSystem

from softmax.errors import DataError

PATH = Path("dvc.lock")
RETRAINED = ("train", "evaluate", "export")

Hashes = dict[Path, str]


def params(lock: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The params of all stages, as params.yaml has them."""
    sections: dict[str, dict[str, Any]] = {}
    for name in RETRAINED:
        for key, value in lock["stages"][name]["params"]["params.yaml"].items():
            section, leaf = key.split(".")
            sections.setdefault(section, {})[leaf] = value
    return sections


def outputs(lock: dict[str, Any], stages: Iterable[str]) -> Hashes:
    """The MD5 of each output of `stages`; that of a folder ends with ".dir"."""
    outs = (out for name in stages for out in lock["stages"][name]["outs"])
    return {Path(out["path"]): out["md5"] for out in outs}


def differences(folder: Path, locked: Hashes) -> list[Path]:
    """The paths of which `folder` does not hold the locked bytes, as DVC sees them."""
    return [path for path, wanted in locked.items() if md5(folder / path) != wanted]


def load() -> dict[str, Any]:
    """Read dvc.lock; DataError unless the data that it names are there."""
    lock: dict[str, Any] = yaml.safe_load(PATH.read_text())
    if wrong := differences(Path(), outputs(lock, ["download"])):
        raise DataError(f"{wrong[0]}: not the data of dvc.lock; run `dvc repro download`")
    return lock


def md5(path: Path) -> str | None:
    """The MD5 of a file or folder, as DVC writes it; None if there is none."""
    if not path.exists():
        return None
    local: Any = LocalFileSystem()  # type: ignore[no-untyped-call]
    _, _, tree = build(HashFileDB(local, ""), str(path), local, "md5", dry_run=True)
    return str(tree.hash_info.value)
