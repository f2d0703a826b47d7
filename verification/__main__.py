"""Retrain the model of dvc.lock in every way that this machine supports, and compare all bytes.

    python -m verification [here|arm]

prints a row for each configuration, here or on an emulated Arm64 processor, and a verdict. The exit
status is 0 if all outputs of all rows have the bytes of dvc.lock, and the control (the lecture's
training in float32) gives different weights with a different number of threads.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from tqdm import tqdm

from softmax.errors import SoftmaxError, exits_cleanly
from softmax.pipeline import datasets, dvc_lock, files, params, paths
from verification import matrix
from verification.matrix import Row
from verification.retrain import REPORT

ROOT = Path(__file__).parents[1]
LAYOUT = "{:<22} {:<6} {:<12} {:>7} {:>7} {:>7}  {:<33}  {:<16}  {}"
REPORTED = ("device", "instructions", "threads", "workers", "seconds", "versions")
SAME, CONTROL, MISSING = "as locked", "control", "not run: "
# A caller may have set these variables. Each row sets its own.
SETTINGS = re.compile("WORKERS|DEVICE|(PET|OMP|OPENBLAS|GOTO|MKL|ATEN|NPY|NUMBA)_")


class Result(NamedTuple):
    """The outcome of a row, and if it ran, the SHA-256 of its weights and its versions."""

    row: Row
    outcome: str
    weights: str = ""
    report: dict[str, Any] = {}  # noqa: RUF012 (never changed)

    def __str__(self) -> str:
        known = self.report | {"workers": self.row.workers}
        columns = [known.get(name) or "" for name in REPORTED]
        return LAYOUT.format(self.row.name, *columns, self.weights[:16], self.outcome)


def retrain(row: Row, config: dict[str, Any], locked: dvc_lock.Hashes) -> Result:
    """Compute `row` in a temporary directory, and compare all outputs with the locked ones."""
    if row.missing:
        return Result(row, MISSING + row.missing)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "params.yaml").write_text(yaml.safe_dump(config))
        (directory / "data").symlink_to(Path("data").absolute())
        (directory / datasets.PATH.name).symlink_to(datasets.PATH)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "DEVICE": "cpu", **row.environment}
        torchrun = ["torch.distributed.run", "--standalone", f"--nproc-per-node={row.workers}"]
        command = [row.python, "-m", *([*torchrun, "-m"] if row.workers else [])]
        command += ["verification.retrain", row.way]
        done = subprocess.run(
            command, cwd=directory, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            reason = done.stderr.strip() or f"status {done.returncode}"
            return Result(row, f"FAILED: {reason.splitlines()[-1]}")
        report = json.loads((directory / REPORT).read_text())
        for what, wanted in {"instructions": row.instructions, "threads": row.threads}.items():
            if wanted and report[what] != wanted:
                return Result(row, f"{MISSING}the library chose these {what}", report=report)
        outcome = CONTROL if row.way == "lecture" else _compare(directory, locked)
        return Result(row, outcome, files.sha256(directory / paths.WEIGHTS), report)


def _compare(directory: Path, locked: dvc_lock.Hashes) -> str:
    """Return SAME if `directory` holds the locked bytes, else the outputs that differ."""
    wrong = [
        str(path)
        for path, wanted in locked.items()
        if not (directory / path).exists() or files.md5(directory / path) != wanted
    ]
    return f"DIFFERENT: {', '.join(wrong)}" if wrong else SAME


def failures(results: Sequence[Result]) -> list[str]:
    """Return the objections to the proof; [] if it holds."""
    objections = [
        f"{result.row.name}: {result.outcome}"
        for result in results
        if not result.outcome.startswith((SAME, CONTROL, MISSING))
    ]
    if not any(result.outcome == SAME for result in results):
        objections.append("no configuration could run")
    controls = [result for result in results if result.row.way == "lecture"]
    if any(result.outcome != CONTROL for result in controls):
        objections.append("the control did not run, so equal bytes prove nothing here")
    elif controls:
        first, again, other = (result.weights for result in controls)
        if not first == again != other:
            objections.append(
                "the control should give the same weights twice with 1 thread and different ones "
                "with 2; otherwise equal bytes prove nothing here"
            )
    return objections


@exits_cleanly
def main() -> None:
    parser = argparse.ArgumentParser(prog="verification")
    parser.add_argument("machine", nargs="?", choices=["here", "arm"], default="here")
    rows_of = {"here": matrix.here, "arm": matrix.arm}[parser.parse_args().machine]
    for name in filter(SETTINGS.match, list(os.environ)):
        del os.environ[name]
    stages = dvc_lock.load()
    dvc_lock.verify(*dvc_lock.outputs(stages, "download"))
    config = params.load().model_dump() | dvc_lock.params(stages).model_dump()
    locked = dvc_lock.outputs(stages, *dvc_lock.RESULTS)
    results = []
    tqdm.write(LAYOUT.format("configuration", *REPORTED, "weights SHA-256", "outputs"))
    rows = rows_of()
    pool = ThreadPoolExecutor(2)  # rows at a time: most rows use one core
    try:
        found = pool.map(lambda row: retrain(row, config, locked), rows)
        for result in tqdm(found, desc="verify", unit="row", total=len(rows), disable=None):
            results.append(result)
            tqdm.write(str(result))
            sys.stdout.flush()  # so logs show each row at once
    finally:
        pool.shutdown(cancel_futures=True)
    counts = Counter(result.outcome.split(":")[0] for result in results)
    print(
        f"\n{counts[SAME]} configurations gave all {len(locked)} outputs the bytes of dvc.lock; "
        f"{counts['not run']} could not run here."
    )
    if objections := failures(results):
        raise SoftmaxError("\n".join(["verification failed:", *objections]))


if __name__ == "__main__":
    main()
