"""Test that stages import only the libraries they use, and that most commands need no torch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.workspace import STAGES, Workspace

HEAVY = (
    *("dvc", "fsspec", "git", "jinja2", "matplotlib", "mlflow", "numba", "pandas", "PIL"),
    *("pyarrow", "requests", "rich", "scipy", "torch", "torchvision", "numpy"),
)
NEEDED = {"check": [], "download": ["dvc", "fsspec", "numpy"], "report": ["jinja2", "numpy"]}
STAGE = "from softmax.pipeline.recorder import Recorder; Recorder._connect = lambda _: None;"
STAGE += "from stages import {0}; {0}.main()"
WITHOUT_TORCH = """
import sys
from importlib.machinery import PathFinder
class Finder(PathFinder):
    def find_spec(name, *others):
        return None if name in ("torch", "torchvision") else PathFinder.find_spec(name, *others)
sys.meta_path[sys.meta_path.index(PathFinder)] = Finder
"""


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_imports_only_the_libraries_it_uses(stage: str, workspace: Workspace) -> None:
    workspace.monkeypatch.setenv("MNIST_MIRROR", "data/digits")
    program = STAGE.format(stage)
    program += f"; import sys; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1].split() == NEEDED.get(stage, ["numpy"])


def test_only_workers_gpus_and_torchvision_need_torch(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_TORCH)

    def run(command: str, **environment: str) -> tuple[int, str]:
        """Run `python -m command` without torch, and return its exit status and stderr."""
        environment = os.environ | {"PYTHONPATH": str(tmp_path), "DEVICE": "auto"} | environment
        program = [sys.executable, "-m", *command.split()]
        done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    before = workspace.contents()
    for command in (
        *(f"stages.{stage}" for stage in STAGES),
        "softmax sweep train.learning_rate=0.001,0.01",
        "softmax compare HEAD",
        "softmax predict data/digits/t10k-images-idx3-ubyte",
    ):
        assert run(command)[0] == 0, command
    assert before.items() <= workspace.contents().items()
    missing = "error: {}: not installed here. Run `uv pip install -r requirements.txt`.\n"
    assert run("stages.train", WORKERS="2") == (2, missing.format("torch"))
    assert run("stages.train", DEVICE="cuda") == (2, missing.format("torch"))
    assert run("softmax data add usps torchvision") == (2, missing.format("torchvision"))
