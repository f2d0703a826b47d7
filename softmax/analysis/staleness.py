"""Tell whether dvc.lock agrees with params, code and data: what DVC sees, and what it does not."""

from collections.abc import Iterator
from typing import Any

from dvc.repo import Repo

from softmax.errors import SoftmaxError
from softmax.pipeline import dvc_lock, params

MISSING = ("deleted", "not in cache")  # as DVC says of what was not pulled


def current() -> str:
    """The good verdict; SoftmaxError with the other one.

    Data and models need not be here: then what dvc.lock says of them has to agree.
    """
    params.load()  # whose complaints are clearer than DVC's
    locked = dvc_lock.load()
    with Repo() as repo:
        stages = {stage.addressing: stage for stage in repo.stage.load_all()}  # of dvc.yaml
        outs = [out for stage in stages.values() for out in stage.outs if out.use_cache]
        made = {out.def_path: out.hash_info for out in outs}
        stale = {
            name: list(_reasons(stage, made)) if name in locked else ["not in dvc.lock"]
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


def _reasons(stage: Any, made: dict[str, Any]) -> Iterator[str]:
    """Why DVC would run `stage`, or should."""
    if stage.changed_stage():
        yield "command modified"
    for item in [*stage.deps, *stage.outs]:
        known = item.hash_info and item.hash_info == made.get(item.def_path)
        for path, state in _flat(item.status()):
            if not (known and state in MISSING):
                yield f"{path} {state}"


def _flat(status: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Path and state of a file; or of each param, which DVC puts below the name of its file."""
    for name, state in status.items():
        yield from _flat(state) if isinstance(state, dict) else [(name, state)]
