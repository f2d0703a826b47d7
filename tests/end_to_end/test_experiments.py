"""Test that experiments of DVC's queue run in temporary directories and log to one MLflow store."""

import re
import time
from pathlib import Path

from helpers.clones import Clone, digits_clone
from helpers.runs import NAME, artifacts, curves, runs
from mlflow import MlflowClient

STAGES = ("evaluate", "export")  # DVC also runs the stages that these need
TIMEOUT = 300  # seconds for all experiments
STEPS = {  # the steps of each curve after an epoch of 250 batches
    "train_loss_of_batch": [*range(25, 251, 25)],
    **{key: [250] for key in ("train_loss", "train_accuracy")},
    **{key: [0] for key in ("test_loss", "test_accuracy", "test_error_percent")},
}


def experiments(clone: Clone) -> list[str]:
    """Return the names of completed experiments from git, because `dvc exp list` takes a second."""
    names = clone.run("git", "for-each-ref", "--format=%(refname)", "refs/exps")
    return re.findall("^refs/exps/[0-9a-f]{2}/.*/(.*)", names, re.MULTILINE)


def run_queue(clone: Clone, rates: list[float]) -> str:
    """Queue experiments, run all of them concurrently, and return their output."""
    change = f"train.learning_rate={','.join(map(str, rates))}"
    clone.run("dvc", "exp", "run", "--queue", "-S", change, *STAGES)
    clone.run("git", "commit", "--quiet", "--allow-empty", "--message", "Go on meanwhile")
    broken = "def main() -> None:\n    raise SystemExit(3)"  # experiments run their own copies
    clone.edit("stages/evaluate.py", "def main() -> None:", broken)
    # Use no pipe: DVC 3.67 sometimes leaves an idle worker behind, which would keep it open.
    clone.run("sh", "-c", f"dvc queue start -j {len(rates)} >/dev/null 2>&1")
    try:
        end = time.monotonic() + TIMEOUT
        while len(experiments(clone)) < len(rates) and time.monotonic() < end:
            time.sleep(0.5)
        while re.search("Queued|Running", status := clone.run("dvc", "queue", "status")):
            assert time.monotonic() < end, status
            time.sleep(3)
        assert status.count("Success") == len(rates), status
        return "".join(clone.run("dvc", "queue", "logs", name) for name in experiments(clone))
    finally:
        clone.run("dvc", "queue", "stop", "--kill")


def test_concurrent_experiments_lose_no_results(tmp_path: Path) -> None:
    clone, rates = digits_clone(tmp_path / "clone"), [0.1, 0.2]
    commit = clone.run("git", "rev-parse", "HEAD").strip()
    assert "warning: " not in run_queue(clone, rates)
    uri = f"sqlite:///{clone.directory / 'mlflow.db'}"
    client, found, names = MlflowClient(uri, uri), runs(uri), experiments(clone)
    assert {known.name for known in client.search_experiments()} == {"Default", NAME}
    assert sorted(float(run.data.params["train.learning_rate"]) for run in found) == rates
    assert sorted(run.data.tags["DVC_EXP_NAME"] for run in found) == sorted(names)
    for run in found:
        assert run.info.status == "FINISHED"
        assert run.data.tags["mlflow.source.git.commit"] == commit
        assert run.data.tags["git.dirty"] == "true"  # because the experiment changes params.yaml
        steps = {key: [step for step, _ in curve] for key, curve in curves(uri, run).items()}
        assert steps == STEPS
        assert "weights/grid/gray.png" in artifacts(uri, run, "weights/grid")
        assert "evaluation/predictions.csv" in artifacts(uri, run, "evaluation")
    versions = client.search_model_versions(f"name='{NAME}'")
    assert {version.run_id for version in versions} == {run.info.run_id for run in found}
    assert len(versions) == len(rates)
