"""Test which models train together, and that each equals the model of a single run."""

import threading
from itertools import product

import pytest
import torch
from helpers.shared import LECTURE
from helpers.workspace import Workspace

from softmax.core.batches import Dataset
from softmax.pipeline import params, paths
from softmax.pipeline.params import Params
from softmax.pipeline.recorder import Recorder
from softmax.sweep import groups, search_space
from stages import train


def configs(*overrides: str) -> list[Params]:
    """Return the params of each configuration."""
    return [configuration.params for configuration in search_space.read(overrides)]


def test_configurations_with_the_same_batches_and_steps_train_together() -> None:
    lecture = params.load(LECTURE).train
    chosen = [
        lecture.model_copy(
            update={"seed": seed, "epochs": epochs, "optimizer": optimizer, "learning_rate": rate}
        )
        for seed, epochs, optimizer in product((1, 2), (1, 2), ("sgd", "adam"))
        for rate in (0.1, 0.2, 0.3)
    ]

    assert groups.plan(chosen, 1) == [[k, k + 1, k + 2] for k in range(0, 24, 3)]


@pytest.mark.parametrize(("models", "threads", "sizes"), [(39, 1, [16, 16, 7]), (6, 3, [2] * 3)])
def test_a_group_is_bounded_and_leaves_work_for_other_threads(
    models: int, threads: int, sizes: list[int]
) -> None:
    plan = groups.plan([params.load(LECTURE).train] * models, threads)
    assert [len(group) for group in plan] == sizes


def test_models_that_differ_only_in_averaging_train_together() -> None:
    rates = ",".join(str(rate) for rate in range(1, 33))
    chosen = [one.train for one in configs("train.averaging=0,0.9", f"train.learning_rate={rates}")]
    for group in groups.plan(chosen, 1):
        assert len({chosen[k].learning_rate for k in group}) == len(group) / 2


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_outputs_of_a_sweep_equal_those_of_the_stage(
    library: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compare weights, losses, scores and metrics byte by byte."""
    monkeypatch.setattr(groups, "sets", groups.sets.__wrapped__)  # without the cache
    if library == "torch":
        monkeypatch.setattr(Dataset, "to", lambda self, _: self.map(torch.asarray))
    monkeypatch.setattr(Recorder, "log", lambda *_, **__: None)  # MLflow's runs are not compared
    workspace.set(train={"epochs": 2, "batch_size": 2, "seed": 500, "validation": 50})
    chosen = configs("train.optimizer=sgd,momentum,nesterov,adam", "train.averaging=0,0.9")
    with groups.running(chosen, "cpu", 1) as trained:
        together = dict(outcome for outcomes in trained for outcome in outcomes.items())

    outputs = (paths.WEIGHTS, paths.LOSSES, paths.EPOCHS, paths.TRAIN_METRICS)
    for number, one in enumerate(chosen):
        outcome = together[number]
        monkeypatch.setattr(params, "load", lambda one=one: one)
        train.main()
        assert {path: outcome.outputs[path] for path in outputs} == {
            path: path.read_bytes() for path in outputs
        }
        assert not outcome.failure


def test_closing_a_sweep_early_ends_all_threads(workspace: Workspace) -> None:
    workspace.set(train={"epochs": 10_000, "batch_size": 2})
    short, *long = configs("train.seed=1,2,3", "train.epochs=10000")
    short = short.model_copy(update={"train": short.train.model_copy(update={"epochs": 1})})

    before = threading.active_count()
    with groups.running([short, *long], "cpu", 2) as trained:
        ((number, first),) = next(trained).items()
        assert (number, bool(first.outputs)) == (0, True)
        assert threading.active_count() > before
    assert threading.active_count() == before
