"""Retrain the model of dvc.lock in every configuration, and compare the hashes of its outputs.

    python -m verification [here|arm]

This prints a row for each configuration, and then a verdict. `arm` trains on an emulated Arm64
processor. The exit status is 0 if at least one row reproduces the hashes of dvc.lock, and no row
fails or differs. The control rows, the lecture's float32 training, are not compared with dvc.lock:
their weights must depend on the number of threads.
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
COLUMNS = ("device", "instructions", "threads", "workers", "seconds", "versions")
SAME, CONTROL, MISSING = "identical", "control", "not run: "
# `main` deletes these variables of the caller, which would change how a row computes.
VARIABLES = re.compile("WORKERS|DEVICE|(PET|OMP|OPENBLAS|GOTO|MKL|ATEN|NPY|NUMBA)_")


class Result(NamedTuple):
    """The outcome of a row and, if it ran, the SHA-256 of its weights and its report.json."""

    row: Row
    outcome: str
    weights: str = ""
    report: dict[str, Any] = {}  # noqa: RUF012 (never changed)

    def __str__(self) -> str:
        known = self.report | {"workers": self.row.workers}
        cells = [known.get(name) or "" for name in COLUMNS]
        return LAYOUT.format(self.row.name, *cells, self.weights[:16], self.outcome)


def retrain(row: Row, config: dict[str, Any], expected: dvc_lock.Hashes) -> Result:
    """Train as configured by `row` in a temporary directory, and compare the MD5s of outputs."""
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
        command += ["verification.retrain", row.variant]
        done = subprocess.run(
            command, cwd=directory, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            reason = done.stderr.strip() or f"status {done.returncode}"
            return Result(row, f"FAILED: {reason.splitlines()[-1]}")
        report = json.loads((directory / REPORT).read_text())
        for key, wanted in {"instructions": row.instructions, "threads": row.threads}.items():
            if wanted and report[key] != wanted:
                return Result(row, f"{MISSING}{key} {report[key]}, not {wanted}", report=report)
        outcome = CONTROL if row.variant == "lecture" else _compare(directory, expected)
        return Result(row, outcome, files.sha256(directory / paths.WEIGHTS), report)


def _compare(directory: Path, expected: dvc_lock.Hashes) -> str:
    """Return SAME if all outputs in `directory` have the expected MD5s, else those that differ."""
    different = [
        str(path)
        for path, md5 in expected.items()
        if not (directory / path).exists() or files.md5(directory / path) != md5
    ]
    return f"DIFFERENT: {', '.join(different)}" if different else SAME


def failures(results: Sequence[Result]) -> list[str]:
    """Return a line for each reason why the verification fails, or [] if it succeeds."""
    reasons = [
        f"{result.row.name}: {result.outcome}"
        for result in results
        if not result.outcome.startswith((SAME, CONTROL, MISSING))
    ]
    if not any(result.outcome == SAME for result in results):
        reasons.append("no configuration reproduced dvc.lock")
    controls = [result for result in results if result.row.variant == "lecture"]
    if any(result.outcome != CONTROL for result in controls):
        reasons.append("the control did not run, so identical bytes prove nothing here")
    elif controls:
        first, again, other = (result.weights for result in controls)
        if not first == again != other:
            reasons.append(
                "the control should give the same weights twice with 1 thread and different "
                "weights with 2 threads. It did not, so identical bytes prove nothing here."
            )
    return reasons


@exits_cleanly
def main() -> None:
    parser = argparse.ArgumentParser(prog="verification")
    parser.add_argument("machine", nargs="?", choices=["here", "arm"], default="here")
    rows_of = {"here": matrix.here, "arm": matrix.arm}[parser.parse_args().machine]
    for name in filter(VARIABLES.match, list(os.environ)):
        del os.environ[name]
    stages = dvc_lock.load()
    dvc_lock.verify(*dvc_lock.outputs(stages, "download"))
    config = params.load().model_dump() | dvc_lock.params(stages).model_dump()
    expected = dvc_lock.outputs(stages, *dvc_lock.RESULTS)
    results = []
    tqdm.write(LAYOUT.format("configuration", *COLUMNS, "weights SHA-256", "outputs"))
    rows = rows_of()
    pool = ThreadPoolExecutor(2)  # two rows at a time, because most of them use one core
    try:
        retrained = pool.map(lambda row: retrain(row, config, expected), rows)
        for result in tqdm(retrained, desc="verify", unit="row", total=len(rows), disable=None):
            results.append(result)
            tqdm.write(str(result))
            sys.stdout.flush()  # otherwise a log file shows the rows minutes later
    finally:
        pool.shutdown(cancel_futures=True)
    counts = Counter(result.outcome.split(":")[0] for result in results)
    print(
        f"\n{counts[SAME]} configurations reproduced all {len(expected)} outputs of train, "
        f"evaluate and export byte for byte. {counts['not run']} could not run here."
    )
    if reasons := failures(results):
        raise SoftmaxError("\n".join(["verification failed:", *reasons]))


if __name__ == "__main__":
    main()
