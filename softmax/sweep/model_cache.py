"""What a sweep has trained: kept under what it depends on, so that one that broke off goes on.

A model's folder is what `dvc exp run` leaves of stage train, dvc.lock included, and may be deleted
at any time.
"""

import hashlib
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from softmax.pipeline import datasets, dvc_lock, files
from softmax.pipeline.params import Params
from softmax.sweep.passes import Outcome

PLACE = Path(".dvc/tmp/sweep")
FAILURE, EVENT = Path("failure.txt"), Path("event.json")  # in a model's folder


def inputs(dataset: str) -> dict[str, str]:
    """The MD5 of code and data that stage train reads for `dataset`, as DVC puts it into dvc.lock.

    dvc.yaml names the files of the data set of params.yaml; datasets.yaml has the MD5 of all.
    """
    from dvc.dependency import ParamsDependency  # a second, which the processes need not take
    from dvc.repo import Repo

    with Repo() as repo:
        (train,) = repo.stage.collect("train")
        deps = [dep for dep in train.deps if not isinstance(dep, ParamsDependency)]
        code = [dep for dep in deps if Path(dep.def_path).name not in datasets.FILES]
        read = {dep.def_path: str(dep.get_hash().value) for dep in code}
    data = zip(datasets.training_files(dataset), datasets.load()[dataset].files[:2], strict=True)
    return dict(sorted((read | {str(path): file.md5 for path, file in data}).items()))


def directory(read: Mapping[str, str], config: Params, after: int | None = None) -> Path:
    """Where the model of these inputs and settings is kept, that `after` so many epochs apart."""
    chosen = config.model_dump(include={"download", "train"})
    test = datasets.load()[config.download.dataset].sha256[2:]
    trained_by = [files.sha256(path) for path in sorted(Path(__file__).parent.glob("*.py"))]
    code = [metadata.version("numba"), *trained_by]
    made_of = {"inputs": dict(read), "params": chosen, "test": test, "code": code, "after": after}
    return PLACE / hashlib.sha256(files.to_json(made_of)).hexdigest()


def key(directories: Iterable[Path]) -> str:
    """Return the SHA-256 by which a sweep of these models is known, in whatever order."""
    return hashlib.sha256("".join(sorted(one.name for one in directories)).encode()).hexdigest()


def keep(place: Path, outcome: Outcome, read: Mapping[str, str], device: str) -> None:
    """Put what came of a model there, all or nothing, with a dvc.lock that says what made it."""
    deps = [{"path": path, "md5": value} for path, value in read.items()]
    outs = [
        {"path": str(path), "md5": hashlib.md5(content, usedforsecurity=False).hexdigest()}
        for path, content in outcome.outputs.items()
    ]
    contents = {
        **outcome.outputs,
        dvc_lock.PATH: files.to_json({"stages": {"train": {"deps": deps, "outs": outs}}}),
        EVENT: files.to_json(
            {"started": outcome.started, "ended": outcome.ended, "device": device}
        ),
    }
    if outcome.failure:
        contents[FAILURE] = outcome.failure.encode()
    place.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=place.parent) as directory:
        partial = Path(directory) / "model"
        files.write({partial / path: content for path, content in contents.items()})
        try:
            partial.rename(place)
        except OSError:
            if not place.exists():  # where another sweep was faster, its bytes are the same
                raise
