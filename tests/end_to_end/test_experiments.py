"""DVC's queue and its experiments in temporary directories, in one MLflow store."""

import re
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from helpers.clones import Clone, digits_clone
from helpers.rows import NAME, artifacts, curves, rows
from helpers.stores import empty_store, serve
from mlflow import MlflowClient

STAGES = ("evaluate", "export")  # and what they need
PATIENCE = 300  # seconds for all of them
STEPS = {  # of each curve, after an epoch of 250 batches
    "train_loss_of_batch": [100, 200],
    **{key: [250] for key in ("train_loss", "train_accuracy")},
    **{key: [0] for key in ("test_loss", "test_accuracy", "test_error")},
}


def experiments(clone: Clone) -> list[str]:
    """Return the names of those that are done; DVC would need a second to list them."""
    names = clone.run("git", "for-each-ref", "--format=%(refname)", "refs/exps")
    return re.findall("^refs/exps/[0-9a-f]{2}/.*/(.*)", names, re.MULTILINE)


def run_queue(clone: Clone, rates: list[float]) -> str:
    """Queue experiments and run all at once; return what they print."""
    change = f"train.learning_rate={','.join(map(str, rates))}"
    clone.run("dvc", "exp", "run", "--queue", "-S", change, *STAGES)
    clone.run("git", "commit", "--quiet", "--allow-empty", "--message", "Go on meanwhile")
    # without a pipe, which workers would hold open: DVC 3.67 now and then leaves an idle one behind
    subprocess.run(
        ("dvc", "queue", "start", "-j", str(len(rates))),
        cwd=clone.directory,
        env=clone.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    try:
        end = time.monotonic() + PATIENCE
        while len(experiments(clone)) < len(rates) and time.monotonic() < end:
            time.sleep(0.5)
        while re.search("Queued|Running", status := clone.run("dvc", "queue", "status")):
            assert time.monotonic() < end, status
            time.sleep(3)
        assert status.count("Success") == len(rates), status
        return "".join(clone.run("dvc", "queue", "logs", name) for name in experiments(clone))
    finally:
        clone.run("dvc", "queue", "stop", "--kill")


def run_in_temporary_directories(clone: Clone, rates: list[float]) -> str:
    """Run experiments with --temp, all at once; return what they print.

    Each of DVC's processes takes whatever is waiting, so that two may run the same one, which makes
    a second experiment of one model, and perhaps a second row.
    """

    def run(rate: float) -> str:
        change = ("-S", f"train.learning_rate={rate}")
        wait = "--wait-for-lock"  # if DVC sets up or collects another one
        done = clone.attempt("dvc", wait, "exp", "run", "--temp", *change, *STAGES)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    with ThreadPoolExecutor(len(rates)) as pool:
        return "".join(pool.map(run, rates))


@pytest.mark.parametrize(
    ("run_all", "rates", "served"),
    [
        (run_queue, [0.1, 0.2], False),
        pytest.param(run_queue, [0.1, 0.2, 0.3], True, marks=pytest.mark.extended),
        pytest.param(
            run_in_temporary_directories, [0.1, 0.2, 0.3], False, marks=pytest.mark.extended
        ),
    ],
)
def test_experiments_that_run_at_once_lose_nothing(
    run_all: Callable[[Clone, list[float]], str], rates: list[float], served: bool, tmp_path: Path
) -> None:
    clone = digits_clone(tmp_path / "clone")
    commit = clone.run("git", "rev-parse", "HEAD").strip()
    uri = f"sqlite:///{clone.directory / 'mlflow.db'}"
    with ExitStack() as servers:
        if served:
            store = empty_store(tmp_path / "served.db")
            uri = servers.enter_context(serve(tmp_path, "--backend-store-uri", store))
            clone.environment["MLFLOW_TRACKING_URI"] = uri
        assert "warning: " not in run_all(clone, rates)
        client = MlflowClient(uri, uri)
        assert {found.name for found in client.search_experiments()} == {"Default", NAME}
        found, names = rows(uri), experiments(clone)
        last = {float(row.data.params["train.learning_rate"]): row for row in reversed(found)}
        assert set(last) == set(rates)
        assert {row.data.tags["DVC_EXP_NAME"] for row in found} <= set(names)
        if run_all is run_queue:
            assert len(found) == len(names) == len(rates)
        for row in last.values():
            assert row.info.status == "FINISHED"
            assert row.data.tags["mlflow.source.git.commit"] == commit
            assert row.data.tags["git.dirty"] == "true"  # by the params of the experiment
            steps = {key: [step for step, _ in curve] for key, curve in curves(uri, row).items()}
            assert steps == STEPS
            assert "weights/grid/gray.png" in artifacts(uri, row, "weights/grid")
            assert "evaluation/predictions.csv" in artifacts(uri, row, "evaluation")
        versions = client.search_model_versions(f"name='{NAME}'")
        assert {version.run_id for version in versions} <= {row.info.run_id for row in found}
        assert len(versions) == len(rates)
