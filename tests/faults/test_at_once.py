"""All that a team may start at once: each command ends, and the next `dvc repro` is correct."""

from pathlib import Path

import pytest
from helpers.clones import digits_clone

DEADLINE = 300  # seconds for any command, on a busy machine
CLASH = (0, 1, 255)  # where two DVC run the same stage, one says that it is busy or lost its files


@pytest.mark.extended
def test_at_once(tmp_path: Path) -> None:
    """Start two `dvc repro`, two experiments and `softmax track`."""
    clone = digits_clone(tmp_path / "clone")
    repro = ["dvc", "repro", "--force", "--single-item", "evaluate"]
    experiment = ["dvc", "--wait-for-lock", "exp", "run", "--temp", "-S"]
    commands = {
        "first": (repro, CLASH),
        "second": (repro, CLASH),
        "track": (["python", "-m", "softmax", "track"], (0, 2)),
        "low": ([*experiment, "train.learning_rate=0.001", "--name", "low", "evaluate"], (0,)),
        "high": ([*experiment, "train.learning_rate=0.1", "--name", "high", "evaluate"], (0,)),
    }
    running = {name: clone.start(*command) for name, (command, _) in commands.items()}
    for name, process in running.items():
        said, _ = process.communicate(timeout=DEADLINE)
        assert "Traceback" not in said, said
        assert process.returncode in commands[name][1], f"{name}: {said}"
    assert {*clone.run("dvc", "exp", "list", "--name-only").split()} >= {"low", "high"}
    clone.run("python", "-m", "softmax", "run")
    clone.assert_clean()
    clone.run("python", "-m", "softmax", "track")
