"""Test that compiled loops give the same bytes as the array code, for all hyperparameters."""

import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from helpers import tiny
from helpers.shared import ROOT

from softmax.core.batches import Dataset
from softmax.sweep import compiled, kernel
from softmax.sweep.compiled import CompiledTrainer
from softmax.training import fitting, scoring
from softmax.training.fitting import Epoch, Trainer
from softmax.training.optimizers import OPTIMIZERS
from softmax.training.state import Hyperparameters

COUNT = 24

EXPONENTIAL = """
import numpy as np
from softmax.sweep import kernel
e = np.empty(2)
kernel.exponentials(np.array([0.0, -1.0]), 2, e, np.empty(2))
print(e[1])
"""


def samples() -> Dataset:
    """Return images with many zeros: one pixel is 0 in all but one, and one image is all 0."""
    images, labels, classes = tiny.dataset(COUNT)
    images = np.where(images % 3, images, 0).astype(np.uint8)
    images[1:, 2] = images[7] = 0
    return Dataset(images, labels, classes)


def epochs(configs: list[Hyperparameters], kind: type[Trainer]) -> list[list[str]]:
    """Return each epoch of each configuration with exact weights, or its error, as text."""
    kept, validation_set = samples().split(5)
    return [
        [
            repr(one._replace(theta=one.theta.tolist())) if isinstance(one, Epoch) else str(one)
            for one in together
        ]
        for together in fitting.fit_together(kind(kept, configs), validation_set)
    ]


TOGETHER = {  # averaging and weight decay of models that train together
    "plain": [(0.0, 0.0)],
    "averaged": [(0.9, 0.0)],
    "pairs with one theta": [(0.0, 0.0), (0.9, 0.0), (0.0, 0.01), (0.9, 0.01)],
}


@pytest.mark.parametrize("chosen", TOGETHER.values(), ids=TOGETHER)
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam"])
def test_compiled_models_equal_those_of_numpy(
    optimizer: str, chosen: list[tuple[float, float]]
) -> None:
    for schedule in ("constant", "cosine"):
        configs = [
            tiny.params(
                optimizer=optimizer, schedule=schedule, averaging=a, weight_decay=w, learning_rate=r
            )
            for (a, w), r in product(chosen, [0.1, 0.3])
        ]
        assert epochs(configs, CompiledTrainer) == epochs(configs, Trainer), schedule


def test_compiled_range_errors_equal_those_of_numpy() -> None:
    rates = product((0.1, 1e9, 1e300), (0.0, 0.9))
    configs = [tiny.params(learning_rate=rate, averaging=average) for rate, average in rates]

    found = epochs(configs, CompiledTrainer)
    assert found == epochs(configs, Trainer)
    assert ["exact only below" in text for text in found[-1]] == [False] * 2 + [True] * 4


def test_no_two_compiled_functions_have_the_same_name() -> None:
    """Numba mixed up functions that different processes had cached under one name."""
    kinds = product(OPTIMIZERS.values(), [False, True], [False, True])
    steps = [kernel.stepping(*kind).py_func.__qualname__ for kind in kinds]  # type: ignore[attr-defined]
    assert len(set(steps)) == len(steps)


def test_the_first_of_equal_classes_is_predicted() -> None:
    thetas = np.zeros((2, 10, 7))
    thetas[1, 3:5] = 0.5

    found = compiled.sums(thetas, compiled.compress(samples()))
    assert found.tobytes() == scoring.sums(thetas, samples()).tobytes()


@pytest.mark.end_to_end  # compiles in a new process
def test_a_change_in_a_called_function_recompiles_the_loop(tmp_path: Path) -> None:
    """Numba's own cache only notices changes in the file of the compiled function."""
    shutil.copytree(ROOT / "softmax", tmp_path / "softmax")
    shutil.copy(ROOT / "datasets.yaml", tmp_path)
    arithmetic = tmp_path / "softmax/core/arithmetic.py"

    command = [sys.executable, "-c", EXPONENTIAL]

    before = subprocess.check_output(command, cwd=tmp_path)
    arithmetic.write_text(arithmetic.read_text().replace("0x1.555555555553ep-3", "0x1.5p-3"))
    assert subprocess.check_output(command, cwd=tmp_path) != before
