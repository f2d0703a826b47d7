"""Cache the models of sweeps by their inputs, so that interrupted sweeps can continue.

The directory of a model contains its outputs and a dvc.lock. You may delete it at any time.
"""

import hashlib
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from ruamel.yaml import YAML

from softmax.pipeline import datasets, dvc_lock, files
from softmax.pipeline.params import Params
from softmax.sweep.groups import Outcome

CACHE_DIRECTORY, STAGES = Path(".dvc/tmp/sweep"), Path("dvc.yaml")
FAILURE, EVENT = Path("failure.txt"), Path("event.json")  # why training failed; times and device


def inputs(dataset: str) -> dict[str, str]:
    """Return the MD5s, by path, of the code and data that stage train reads for `dataset`."""
    deps = YAML(typ="safe").load(STAGES)["stages"]["train"]["deps"]
    code = {dep: files.md5(Path(dep)) for dep in deps if Path(dep).name not in datasets.FILES}
    data = zip(datasets.training_files(dataset), datasets.load()[dataset].files[:2], strict=True)
    return dict(sorted((code | {str(path): file.md5 for path, file in data}).items()))


def directory(read: Mapping[str, str], config: Params, after: int | None = None) -> Path:
    """Return the directory of the model of these inputs and params, after all or `after` epochs."""
    params = config.model_dump(include={"download", "train"})
    test = datasets.load()[config.download.dataset].sha256[2:]
    sources = [files.sha256(path) for path in sorted(Path(__file__).parent.glob("*.py"))]
    code = [metadata.version("numba"), *sources]
    origin = {"inputs": dict(read), "params": params, "test": test, "code": code, "after": after}
    return CACHE_DIRECTORY / hashlib.sha256(files.to_json(origin)).hexdigest()


def key(directories: Iterable[Path]) -> str:
    """Return a SHA-256 that identifies a sweep by its models, in any order."""
    return hashlib.sha256("".join(sorted(path.name for path in directories)).encode()).hexdigest()


def keep(destination: Path, outcome: Outcome, read: Mapping[str, str], device: str) -> None:
    """Write the outcome of a model and its dvc.lock to `destination`: all files, or none."""
    deps = [{"path": path, "md5": value} for path, value in read.items()]
    outs = [
        {"path": str(path), "md5": hashlib.md5(content, usedforsecurity=False).hexdigest()}
        for path, content in outcome.outputs.items()
    ]
    event = {"started": outcome.started, "ended": outcome.ended, "device": device}
    contents = {
        **outcome.outputs,
        dvc_lock.PATH: files.to_json({"stages": {"train": {"deps": deps, "outs": outs}}}),
        EVENT: files.to_json(event),
    }
    if outcome.failure:
        contents[FAILURE] = outcome.failure.encode()
    destination.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=destination.parent) as directory:
        partial = Path(directory) / "model"
        files.write({partial / path: content for path, content in contents.items()})
        try:
            partial.rename(destination)
        except OSError:
            if not destination.exists():  # a simultaneous sweep wrote the same bytes first
                raise
