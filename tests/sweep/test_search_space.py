"""Test that configurations of a sweep follow DVC's grammar and the rules of params.yaml."""

import shutil
from itertools import product
from pathlib import Path

import hypothesis
import pytest
from dvc.utils.hydra import to_hydra_overrides
from helpers.shared import LECTURE
from hypothesis import strategies as st

from softmax.errors import ParamsError
from softmax.sweep import search_space


@pytest.fixture(autouse=True)
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copy the lecture's params.yaml to the working directory."""
    shutil.copy(LECTURE, tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)


def test_every_combination_is_a_configuration() -> None:
    overrides = ["train.learning_rate=0.001,1e-2", "train.optimizer=choice(sgd,adam)"]
    configs = search_space.read([*overrides, "train.seed=range(0,3)"])

    found = [tuple(one.changes.values()) for one in configs]
    assert found == [*product((0.001, 0.01), ("sgd", "adam"), range(3))]
    assert {one.params.train.batch_size for one in configs} == {64}


def test_equal_configurations_are_trained_once() -> None:
    (setting,) = search_space.read(["train.learning_rate=0.001,1e-3,0.0010", "train.epochs=5,5"])
    assert setting.options() == "-S train.learning_rate=0.001 -S train.epochs=5"


def test_each_invalid_value_gives_one_line() -> None:
    with pytest.raises(ParamsError) as error:
        search_space.read(["train.learning_rate=0,0.1", "train.optimizer=sgd,lion"])
    assert str(error.value).split("\n") == [
        "sweep: train.learning_rate = 0 should be greater than 0",
        "sweep: train.optimizer = 'lion' should be 'sgd', 'momentum', 'nesterov' or 'adam'",
    ]


RANGES = ["train.learning_rate=interval(1e-4,1e-1)", "train.epochs=interval(1,40)"]
FIRST = [
    "optimizer=sgd learning_rate=0.0257 epochs=5 momentum=0.572",
    "optimizer=adam learning_rate=0.00122 epochs=9 momentum=0.1775",
]


def test_random_configurations_are_the_same_on_every_machine() -> None:
    chosen = [*RANGES, "train.optimizer=sgd,adam", "train.momentum=interval(0.1,0.9)"]
    drawn = search_space.read(chosen, 64)
    assert [one.options().replace("-S train.", "") for one in drawn[:2]] == FIRST
    assert drawn[:9] == search_space.read(chosen, 9)
    assert drawn != search_space.read(chosen, 64, seed=1)
    assert 20 < sum(one.changes["train.learning_rate"] < 0.00316 for one in drawn) < 44


@hypothesis.given(st.floats(0, 1e9), st.floats(0, 1e9), st.sampled_from(["epochs", "momentum"]))
def test_drawn_values_are_within_their_range(a: float, b: float, key: str) -> None:
    low, high = sorted([int(a), int(b)] if key == "epochs" else [a, b])
    hypothesis.assume(low < high)
    (override,) = to_hydra_overrides([f"train.{key}=interval({low!r},{high!r})"])
    for share in (0, 0.5, 1 - 2**-53):
        value = float(search_space._draw(override, share).partition("=")[2])
        assert low <= value <= high
        assert (value > low) == (share > 0) or key == "epochs"


@pytest.mark.parametrize("override", ["train.seed=interval(2,1)", "train.x=interval(0,1)"])
def test_an_empty_range_or_an_unknown_key_gives_one_line(override: str) -> None:
    with pytest.raises(ParamsError, match=r"^sweep: .*(should end above 2.0|train.x = ).*$"):
        search_space.read([override], 8)


TRAIN_ONLY = "not download.dataset or a key of train. Use, for example, train.seed=0,1."


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        *[("export.scale=3", TRAIN_ONLY), ("train={seed:1}", TRAIN_ONLY)],
        *[("+train.x=1", TRAIN_ONLY), ("~train.seed=null", TRAIN_ONLY)],
        ("train.seed", "Error parsing override 'train.seed': missing EQUAL at '<EOF>'"),
        ("train.seed=range(", "no viable alternative at input 'range('"),
        (
            "train.seed=interval(0,1)",
            "an interval needs the number of models to train. Add --trials 64.",
        ),
        ("train.seed=glob(*)", "Glob override 'train.seed=glob(*)' is not supported."),
    ],
)
def test_invalid_overrides_are_rejected_with_a_reason(override: str, reason: str) -> None:
    with pytest.raises(ParamsError) as error:
        search_space.read([override])
    assert str(error.value) == f"sweep: {override}: {reason}"
