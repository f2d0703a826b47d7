"""Which models train together, and that they are those of single runs."""

import hashlib
import json
import threading
from pathlib import Path

import pytest
import torch
from helpers.workspace import Workspace

from softmax.core.data import Dataset
from softmax.pipeline import params, paths, recorder
from softmax.pipeline.params import Params
from softmax.sweep import grid, passes
from stages import train


def settings(*overrides: str) -> list[Params]:
    """Return the params of each setting."""
    return [setting.params for setting in grid.read(overrides)]


def test_those_with_the_same_batches_and_steps_train_together(workspace: Workspace) -> None:
    workspace.set()
    others = ("train.seed=1,2", "train.epochs=1,2", "train.optimizer=sgd,adam")
    chosen = settings(*others, "train.learning_rate=0.1,0.2,0.3")
    plan = passes.plan([one.train for one in chosen], 1)

    assert sorted(number for group in plan for number in group) == list(range(24))
    assert sorted(map(len, plan)) == [3] * 8
    for group in plan:
        same = [(one.seed, one.epochs, one.optimizer) for one in (chosen[k].train for k in group)]
        assert len(set(same)) == 1


def test_a_pass_has_a_bounded_number_of_models(workspace: Workspace) -> None:
    workspace.set()
    chosen = settings(f"train.weight_decay={','.join(f'0.{k}' for k in range(1, 40))}")
    plan = passes.plan([one.train for one in chosen], 1)
    assert len(passes.plan([one.train for one in chosen[:6]], 3)) == 3  # each has something to do

    assert max(map(len, plan)) <= passes.TOGETHER
    assert sum(map(len, plan)) == len(chosen)


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_the_facts_are_those_of_the_stage(
    library: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compare weights, losses, scores and metrics byte by byte."""
    if library == "torch":
        monkeypatch.setattr(Dataset, "to", lambda self, _: self.map(torch.asarray))
    monkeypatch.setattr(recorder, "log", lambda *_, **__: None)  # MLflow's rows are not compared
    workspace.set(train={"epochs": 2, "batch_size": 2, "seed": 500, "validation": 50})
    chosen = settings("train.optimizer=sgd,momentum,nesterov,adam", "train.averaging=0,0.9")
    plan = passes.plan([one.train for one in chosen], 1)
    together: dict[int, passes.Outcome] = {}
    for group in plan:
        outcomes = passes.train([chosen[k] for k in group], "cpu", threading.Event())
        together |= zip(group, outcomes, strict=True)

    facts = (paths.WEIGHTS, paths.LOSSES, paths.EPOCHS, paths.TRAIN_METRICS)
    for number, one in enumerate(chosen):
        outcome = together[number]
        monkeypatch.setattr(params, "load", lambda one=one: one)
        train.main()
        alone = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in facts}
        assert {path: hashlib.sha256(outcome.facts[path]).hexdigest() for path in facts} == alone
        assert not outcome.failure


def test_a_setting_that_leaves_the_range_says_so(workspace: Workspace) -> None:
    workspace.set(train={"epochs": 1, "batch_size": 2})
    good, bad = passes.train(settings("train.learning_rate=0.01,1e30"), "cpu", threading.Event())

    assert "lower train.learning_rate" in bad.failure
    assert not bad.facts
    assert not good.failure
    assert json.loads(good.facts[Path(paths.TEST_METRICS)])["total"] > 0


def test_who_leaves_early_waits_for_no_more_than_an_epoch(workspace: Workspace) -> None:
    workspace.set(train={"epochs": 10_000, "batch_size": 2})
    short, *long = settings("train.seed=1,2,3", "train.epochs=10000")
    short = short.model_copy(update={"train": short.train.model_copy(update={"epochs": 1})})

    before = threading.active_count()
    with passes.running([short, *long], "cpu", 2) as trained:
        ((number, first),) = next(trained).items()
        assert (number, bool(first.facts)) == (0, True)
        assert threading.active_count() > before
    assert threading.active_count() == before
