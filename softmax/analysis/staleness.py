"""Check that dvc.lock agrees with params, code and data, beyond what DVC checks."""

from collections.abc import Iterator
from typing import Any

from dvc.repo import Repo

from softmax.errors import SoftmaxError
from softmax.pipeline import dvc_lock, params

MISSING = ("deleted", "not in cache")  # DVC's states of files that were not pulled


def current() -> str:
    """Return a line that says that dvc.lock is up to date. Raise SoftmaxError if it is not.

    Data and models may be missing if all stages have the same hashes for them in dvc.lock.
    """
    params.load()  # raises clearer errors than DVC
    locked = dvc_lock.load()
    with Repo() as repo:
        stages = {stage.addressing: stage for stage in repo.stage.load_all()}  # in dvc.yaml
        outs = [out for stage in stages.values() for out in stage.outs if out.use_cache]
        outputs = {out.def_path: out.hash_info for out in outs}
        stale = {
            name: list(_reasons(stage, outputs)) if name in locked else ["not in dvc.lock"]
            for name, stage in stages.items()
        }
    leftover = "in dvc.lock, but not in dvc.yaml (delete it from dvc.lock)"
    stale |= {name: [leftover] for name in locked if name not in stages}
    if found := "; ".join(f"{name}: {', '.join(why)}" for name, why in stale.items() if why):
        raise SoftmaxError(
            f"dvc.lock is not up to date: {found}. "
            "Run `dvc repro`, then commit dvc.lock and metrics."
        )
    return f"dvc.lock is up to date: {len(stages)} stages agree with params, code and data"


def _reasons(stage: Any, outputs: dict[str, Any]) -> Iterator[str]:
    """Yield DVC's reasons to run `stage`, except missing files whose hashes are consistent."""
    if stage.changed_stage():
        yield "command modified"
    for item in [*stage.deps, *stage.outs]:
        known = item.hash_info and item.hash_info == outputs.get(item.def_path)
        for path, state in _flat(item.status()):
            if not (known and state in MISSING):
                yield f"{path} {state}"


def _flat(status: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the path and state of each file and param. DVC nests params below their file."""
    for name, state in status.items():
        yield from _flat(state) if isinstance(state, dict) else [(name, state)]
