"""A stage imports what it uses, and without torch all runs but what needs it."""

import subprocess
import sys
from importlib.machinery import PathFinder
from typing import Any

import pytest
from helpers.workspace import STAGES, Workspace, error

IMAGES = "data/digits/t10k-images-idx3-ubyte"
HEAVY = (
    *("dvc", "fsspec", "git", "jinja2", "matplotlib", "mlflow", "numba", "pandas", "PIL"),
    *("pyarrow", "requests", "rich", "scipy", "torch", "torchvision"),
)
NEEDED = {"download": ["dvc", "fsspec"], "report": ["jinja2"]}  # of these, by what is run
STAGE = "from softmax.pipeline.recorder import Recorder; Recorder._connect = lambda _: None;"
STAGE += "from stages import {0}; {0}.main()"
HELP = "from softmax.cli import app; app.program.main(['--help'], standalone_mode=False)"


class WithoutTorch(PathFinder):
    """Finds all modules but those that requirements-cpu.txt leaves out."""

    hidden = ("torch", "torchvision")

    @classmethod
    def find_spec(cls, name: str, *others: Any) -> Any:
        """Find a module."""
        return None if name in cls.hidden else super().find_spec(name, *others)


@pytest.mark.parametrize("run", [*STAGES, "--help"])
def test_no_library_is_imported_that_is_not_used(run: str, workspace: Workspace) -> None:
    workspace.monkeypatch.setenv("MNIST_MIRROR", "data/digits")
    program = HELP if run == "--help" else STAGE.format(run)
    program += f"; import sys; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1].split() == NEEDED.get(run, [])


def test_without_torch_all_runs_but_what_needs_it(workspace: Workspace) -> None:
    for name in WithoutTorch.hidden:
        workspace.monkeypatch.delitem(sys.modules, name, raising=False)
    finders = [WithoutTorch if finder is PathFinder else finder for finder in sys.meta_path]
    workspace.monkeypatch.setattr(sys, "meta_path", finders)
    before = workspace.contents()
    workspace.monkeypatch.setenv("DEVICE", "auto")
    workspace.run()
    assert workspace.contents() == before
    for command in ("sweep train.learning_rate=0.001,0.01", "compare HEAD", f"predict {IMAGES}"):
        assert workspace.tool(command).status == 0
    missing = "{}: not installed here. Run `uv pip install -r requirements.txt`."
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("WORKERS", "2")
        assert error(workspace.stage("train")) == missing.format("torch")
    workspace.monkeypatch.setenv("DEVICE", "cuda")
    assert error(workspace.stage("train")) == missing.format("torch")
    assert error(workspace.tool("data add kmnist torchvision")) == missing.format("torchvision")
