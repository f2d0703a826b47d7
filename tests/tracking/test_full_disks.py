"""A store on a disk that is full, fills in mid-run or can only be read: no stage minds."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from digits import write_lock
from namespaces import FILL, Namespace, small_disk
from tracking.outages import (
    LIMIT,
    _known,  # noqa: F401 (fixtures)
    _outputs,  # noqa: F401
    all_runs,
    content,
    names_the_remedy,
    written,
)


def stages(namespace: Namespace) -> list[str]:
    """What all stages print to stderr, none of them held up by a store on the disk."""
    said = []
    for name in ("train", "evaluate", "export"):
        start = time.perf_counter()
        done = namespace.run("python", "-m", f"stages.{name}")
        assert time.perf_counter() - start < LIMIT
        assert done.returncode == 0, done.stderr
        said += done.stderr.splitlines(keepends=True)
    return said


@pytest.fixture
def namespace(tmp_path: Path) -> Iterator[Namespace]:
    """A small disk for the store."""
    with small_disk(tmp_path, 8) as namespace:
        yield namespace


def test_a_full_disk(namespace: Namespace, outputs: Any) -> None:
    namespace.sh(f"{FILL}{namespace.disk}/ballast || true")
    warned = stages(namespace)
    assert len(warned) == 3
    assert all(map(names_the_remedy, warned))
    assert written() == outputs[0]
    namespace.sh(f"rm {namespace.disk}/ballast")
    assert completed(namespace) == outputs[1]


@pytest.mark.parametrize("kibibytes", [40, 240])
def test_a_disk_that_fills_in_mid_run(kibibytes: int, namespace: Namespace, outputs: Any) -> None:
    namespace.python(
        "from softmax.tracking import store; store.experiment(store.connect(), 'softmax-mnist')"
    )
    namespace.sh(f"{FILL}{namespace.disk}/ballast || true")
    namespace.sh(f"truncate --size=-{kibibytes}K {namespace.disk}/ballast")
    warned = stages(namespace)
    assert 1 <= len(warned) <= 3
    assert all(map(names_the_remedy, warned))
    assert written() == outputs[0]
    namespace.sh(f"rm {namespace.disk}/ballast")
    assert completed(namespace) == outputs[1]


@pytest.mark.parametrize("used_before", [True, False])
def test_a_disk_that_can_only_be_read(
    used_before: bool, namespace: Namespace, outputs: Any
) -> None:
    """The lock file lies elsewhere, so that the store itself has to say no."""
    namespace.environment = {"MLFLOW_TRACKING_URI": f"sqlite:///{namespace.disk}/mlflow.db"}
    if used_before:
        namespace.python("from softmax.tracking import store; store.connect()")
    namespace.sh(f"mount -o remount,ro {namespace.disk}")
    warned = stages(namespace)
    assert len(warned) == 3
    assert all(map(names_the_remedy, warned))
    assert written() == outputs[0]
    namespace.sh(f"mount -o remount,rw {namespace.disk}")
    assert completed(namespace) == outputs[1]


def completed(namespace: Namespace) -> Any:
    """What MLflow shows of the only row on the disk, after `python -m tools.track`."""
    write_lock()
    done = namespace.run("python", "-m", "tools.track")
    assert done.returncode == 0, done.stderr
    namespace.sh(f"cp -r {namespace.disk} outside")
    shutil.copytree("outside", namespace.disk, dirs_exist_ok=True)  # the same paths, seen from here
    uri = f"sqlite:///{namespace.disk / 'mlflow.db'}"
    (row,) = all_runs(uri)
    return content(uri, row)
