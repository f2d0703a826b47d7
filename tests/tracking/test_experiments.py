"""DVC's queue and its experiments in temporary folders, three at a time, in one MLflow store."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from clones import Clone
from mlflow import MlflowClient
from mlflow.entities import Run
from servers import empty_store, serve

from softmax.tracking.replay import BATCH_LOSS

LEARNING_RATES = (0.001, 0.1, 0.2)
AT_ONCE = 3  # all of them
STAGES = ("evaluate", "export")  # and what they need
PATIENCE = 300  # seconds for all of them
EVERY_CURVE = {  # that an epoch on the team's data has, of 250 batches
    BATCH_LOSS: [100, 200],
    **{key: [250] for key in ("train_loss", "train_accuracy")},
    **{key: [0] for key in ("test_loss", "test_accuracy", "test_error")},
}
WAITING = ("Queued", "Running")  # DVC's words


@pytest.fixture
def clone(team: Clone, tmp_path: Path) -> Clone:
    """A clone that trains for an epoch, with its data in its cache and a store of its own."""
    clone = Clone(tmp_path / "clone", team.folder)
    shutil.copytree(team.folder / ".dvc/cache/files", clone.folder / ".dvc/cache/files")
    clone.drop("lesson", "report")  # of which DVC would read and write half of its lock
    params = clone.folder / "params.yaml"
    params.write_text(params.read_text().replace("epochs: 5", "epochs: 1"))
    clone.run("git", "commit", "--quiet", "--all", "--message", "Train for an epoch")
    return clone


@pytest.fixture(params=["SQLite", "server"])
def uri(request: pytest.FixtureRequest, clone: Clone, tmp_path: Path) -> Iterator[str]:
    """The URI of the store that the clone's stages use, fresh."""
    if request.param == "SQLite":
        yield f"sqlite:///{clone.folder / 'mlflow.db'}"
        return
    with serve(tmp_path, "--backend-store-uri", empty_store(tmp_path / "served.db")) as uri:
        clone.environment["MLFLOW_TRACKING_URI"] = uri
        yield uri


def run_queue(clone: Clone) -> str:
    """Queue all experiments; what they print, once the workers have done them."""
    rates = ",".join(map(str, LEARNING_RATES))
    clone.run("dvc", "exp", "run", "--queue", "-S", f"train.learning_rate={rates}", *STAGES)
    clone.run("git", "commit", "--quiet", "--allow-empty", "--message", "Go on meanwhile")
    start = ("dvc", "queue", "start", "-j", str(AT_ONCE))
    # without a pipe, which workers would hold open: DVC 3.67 now and then leaves an idle one behind
    subprocess.run(
        start,
        cwd=clone.folder,
        env=clone.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    try:
        end = time.monotonic() + PATIENCE
        while len(experiments(clone)) < len(LEARNING_RATES) and time.monotonic() < end:
            time.sleep(0.5)
        while any(word in (status := clone.run("dvc", "queue", "status")) for word in WAITING):
            assert time.monotonic() < end, status
            time.sleep(3)
        assert status.count("Success") == len(LEARNING_RATES), status
        return "".join(clone.run("dvc", "queue", "logs", name) for name in experiments(clone))
    finally:
        clone.run("dvc", "queue", "stop", "--kill")


def run_in_temporary_folders(clone: Clone) -> str:
    """Run all experiments with --temp at once; what they print.

    Each of DVC's processes takes whatever is waiting, so that two may run the same one, which makes
    a second experiment of one model, and perhaps a second row.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return "".join(pool.map(lambda rate: run_in_temporary_folder(clone, rate), LEARNING_RATES))


def run_in_temporary_folder(clone: Clone, rate: float) -> str:
    """Run an experiment, waiting where DVC sets up or collects another one."""
    run = ("dvc", "--wait-for-lock", "exp", "run", "--temp", "-S", f"train.learning_rate={rate}")
    done = clone.attempt(*run, *STAGES)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("run_all", [run_queue, run_in_temporary_folders])
def test_experiments_that_run_at_once_lose_nothing(
    run_all: Callable[[Clone], str], clone: Clone, uri: str, tmp_path: Path
) -> None:
    commit = head(clone)
    assert "warning: " not in run_all(clone)
    client = MlflowClient(uri)
    experiments = {found.name: found.experiment_id for found in client.search_experiments()}
    assert set(experiments) == {"Default", "softmax-digits"}
    rows = client.search_runs([experiments["softmax-digits"]])
    names = clone.run("dvc", "exp", "list", "--all-commits", "--name-only").split()
    last = {float(row.data.params["train.learning_rate"]): row for row in reversed(rows)}
    assert set(last) == set(LEARNING_RATES)
    assert {row.data.tags["DVC_EXP_NAME"] for row in rows} <= set(names)
    if run_all is run_queue:
        assert len(rows) == len(names) == len(LEARNING_RATES)
    for row in last.values():
        assert row.info.status == "FINISHED"
        assert row.data.tags["mlflow.source.git.commit"] == commit
        assert row.data.tags["git.dirty"] == "true"  # by the params of the experiment
        assert curves(client, row) == EVERY_CURVE
        folder = tmp_path / row.info.run_id
        for artifact in ("weights", "evaluation", "samples"):
            client.download_artifacts(row.info.run_id, artifact, folder)
        for made in ("weights/grid/gray.png", "evaluation/predictions.csv", "samples/3.svg"):
            assert (folder / made).stat().st_size > 1000
        assert len(list(folder.glob("weights/*.png"))) == 10
        assert len(client.list_artifacts(row.info.run_id, "images")) == 4
    versions = client.search_model_versions("name='softmax-digits'")
    assert {version.run_id for version in versions} <= {row.info.run_id for row in rows}
    assert len(versions) == len(LEARNING_RATES)


def test_a_row_is_clean_where_only_results_differ_from_the_commit(clone: Clone) -> None:
    clone.run("dvc", "repro", "train")
    assert clone.run("git", "status", "--porcelain") != ""
    client = MlflowClient(f"sqlite:///{clone.folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("softmax-digits")
    (row,) = client.search_runs([experiment.experiment_id])
    assert row.data.tags["mlflow.source.git.commit"] == head(clone)
    assert row.data.tags["git.dirty"] == "false"


def experiments(clone: Clone) -> list[str]:
    """The names of those that are done; DVC would need a second to list them."""
    names = clone.run("git", "for-each-ref", "--format=%(refname)", "refs/exps")
    return re.findall("^refs/exps/[0-9a-f]{2}/.*/(.*)", names, re.MULTILINE)


def head(clone: Clone) -> str:
    """The commit that is checked out."""
    return clone.run("git", "rev-parse", "HEAD").strip()


def curves(client: MlflowClient, row: Run) -> dict[str, list[int]]:
    """The steps of each metric."""
    return {
        key: [point.step for point in client.get_metric_history(row.info.run_id, key)]
        for key in row.data.metrics
    }
