"""Test `softmax sweep`: its table, its runs in MLflow, and the command for the best model."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.runs import artifacts, runs
from helpers.workspace import Workspace, error
from mlflow.entities import Run

from softmax.pipeline import datasets, files, paths
from softmax.sweep import groups, model_cache
from softmax.tracking import sync

OPTIONS = ("train.learning_rate=0.01,0.1", "train.optimizer=sgd,adam")


def sweep(workspace: Workspace, *options: str) -> Any:
    """Return the JSON that a sweep prints."""
    printed = workspace.tool("sweep", *options, "--json")
    assert printed.status == 0, printed
    return json.loads(printed.out)


def by_weights(workspace: Workspace) -> dict[str, Run]:
    """Return the runs of models by the SHA-256 of their weights, and other runs by status."""
    found = runs(workspace.store)
    return {run.data.tags.get("weights.sha256", run.info.status): run for run in found}


def test_a_sweep_logs_one_child_run_per_model_under_a_parent_run(workspace: Workspace) -> None:
    results, found = sweep(workspace, *OPTIONS), by_weights(workspace)
    models = {**found}
    parent = models.pop("FINISHED")
    assert set(models) == {one["weights"] for one in results}
    for run in models.values():
        assert run.info.status == "FINISHED"
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert {"dvc.data.md5", "dvc.code.md5", "mlflow.source.git.commit"} <= {*run.data.tags}
        metrics = {sync.BATCH_LOSS, "train_loss", "train_accuracy", "test_accuracy"}
        assert metrics <= {*run.data.metrics}
        assert run.data.params["train.learning_rate"] in ("0.01", "0.1")
        datasets = {entry.dataset.name for entry in run.inputs.dataset_inputs}
        assert datasets == {"digits-training", "digits-test"}
        assert len(run.outputs.model_outputs) == 1
        assert " · lr=" in run.info.run_name
        note, rate = run.data.tags["mlflow.note.content"], run.data.params["train.learning_rate"]
        assert f"`dvc exp run -S train.learning_rate={rate} " in note
        assert {"weights.png", "evaluation"} <= artifacts(workspace.store, run)
    picture = Path(parent.info.artifact_uri.removeprefix("file://")) / "sweep.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "learning rate" in parent.data.tags["mlflow.note.content"]
    assert parent.data.params["train.learning_rate"] == "0.01,0.1"
    workspace.monkeypatch.delattr(groups, "train")
    assert sweep(workspace, *OPTIONS) == results
    after = by_weights(workspace)
    assert after.keys() == found.keys()
    for weights, run in models.items():
        assert (after[weights].info, after[weights].outputs) == (run.info, run.outputs)


def test_the_stages_train_the_same_model_and_complete_its_run(workspace: Workspace) -> None:
    (one,) = sweep(workspace, "train.seed=0")
    stages = json.loads(paths.TEST_METRICS.read_text())
    assert one["weights"] == files.sha256(paths.WEIGHTS)
    for metric in ("accuracy", "loss"):
        assert one[f"test_{metric}"] == stages[metric]
    assert workspace.tool("track").status == 0

    run = by_weights(workspace)[one["weights"]]
    assert run.data.tags["mlflow.source.name"] == "softmax sweep"
    assert "evaluation/predictions.csv" in artifacts(workspace.store, run, "evaluation")


def test_a_failed_configuration_has_a_run_with_the_reason(workspace: Workspace) -> None:
    results = sweep(workspace, "train.learning_rate=0.1,1e30")
    assert [bool(one.get("failure")) for one in results] == [False, True]
    failed = by_weights(workspace)["FAILED"]
    assert failed.data.params["train.learning_rate"] == "1e+30"
    assert "exact only below" in failed.data.tags["mlflow.note.content"]


def test_a_swept_validation_size_has_its_own_column(workspace: Workspace) -> None:
    printed = workspace.tool("sweep", "train.validation=0,50")
    titles = re.split("  +", printed.out.partition("\n")[0])
    assert len(titles) == len({*titles})
    assert "Add train.validation=83 to the sweep." in printed.out


def test_each_data_set_has_its_own_ranking_and_experiment(workspace: Workspace) -> None:
    """Keep the files of the second data set only in DVC's cache."""
    entry = yaml.safe_load(datasets.PATH.read_text())["digits"]
    datasets.PATH.write_text(yaml.safe_dump({"digits": entry, "other": entry}))
    results = sweep(workspace, "download.dataset=digits,other", "train.learning_rate=0.01,0.1")
    names = [one["download.dataset"] for one in results]
    assert names == ["digits"] * 2 + ["other"] * 2
    assert len({one["weights"] for one in results}) == 2
    assert len(runs(workspace.store)) == len(runs(workspace.store, "softmax-other")) == 1 + 2
    with_validation = ("download.dataset=digits,other", "train.validation=50")
    output = workspace.tool("sweep", *with_validation).out
    for name in ("digits", "other"):
        assert f"To train the best model: dvc exp run -S download.dataset={name} -S train" in output


def test_the_parent_run_fails_if_every_configuration_fails(workspace: Workspace) -> None:
    printed = workspace.tool("sweep", "train.learning_rate=1e30,1e300")
    assert (printed.status, printed.err) == (0, "")
    found = runs(workspace.store)
    assert [run.info.status for run in found] == ["FAILED"] * 3
    assert any("No model could be trained" in run.data.tags["mlflow.note.content"] for run in found)


@pytest.mark.parametrize(("status", "ends"), [(143, "KILLED"), (130, "KILLED"), (2, "FAILED")])
def test_an_interrupted_sweep_ends_its_parent_run_and_the_next_completes_it(
    status: int, ends: str, workspace: Workspace
) -> None:
    def stop(*_: Any) -> None:
        signal.raise_signal(status - 128)  # raises OSError if status is 2

    with workspace.monkeypatch.context() as patch:
        patch.setattr(model_cache, "keep", stop)
        assert workspace.tool("sweep", OPTIONS[0]).status == status
    assert [run.info.status for run in runs(workspace.store)] == [ends]
    sweep(workspace, OPTIONS[0])
    assert [run.info.status for run in runs(workspace.store)] == ["FINISHED"] * 3


@pytest.mark.end_to_end  # seconds
def test_two_equal_sweeps_log_one_run_per_model(workspace: Workspace) -> None:
    command = [sys.executable, "-m", "softmax", "sweep", "train.learning_rate=range(1,13)"]
    both = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [one.wait() for one in both] == [0, 0]
    assert len(runs(workspace.store)) == 1 + 12


@pytest.mark.end_to_end  # seconds
def test_models_that_halving_keeps_equal_single_runs(workspace: Workspace) -> None:
    workspace.set(train={"epochs": 4, "validation": 50})
    chosen = ["train.learning_rate=interval(1e-4,10)", "--trials", "8"]
    left = sweep(workspace, *chosen, "--halving")
    tables = model_cache.CACHE_DIRECTORY.rglob("epochs.csv")
    trained = [len(path.read_bytes().split()) - 1 for path in tables]
    assert sorted(trained) == [1] * 8 + [2] * 4 + [4] * 2
    assert len(runs(workspace.store)) == 1 + 2
    every = sweep(workspace, *chosen)
    assert left == [every[0], *(one for one in every[1:] if one in left)]
    workspace.set(train={"validation": 0})
    output = error(workspace.tool("sweep", *chosen, "--halving"))
    assert output.endswith("set for all models. Add train.validation=83 to the sweep.")


def test_invalid_input_gives_one_line_and_trains_nothing(workspace: Workspace) -> None:
    output = error(workspace.tool("sweep", "train.validation=0,100000"))
    assert output.startswith("sweep: train.validation = 100000 leaves a class without")
    assert not model_cache.CACHE_DIRECTORY.exists()
