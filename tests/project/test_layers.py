"""Arrows of imports point down: from commands and stages to the mathematics, never back.

The order of the packages, from the ground up, is that in which softmax/__init__.py lists them.
"""

import ast
import re
from pathlib import Path

import pytest
from helpers.shared import ROOT

from softmax.provenance.imports import local_imports

ROOMS = re.findall(r"^    (\w+)", (ROOT / "softmax/__init__.py").read_text(), re.MULTILINE)
DOOR = Path("softmax/pipeline/recorder.py")  # to tracking, as it says
TOP = {"stages", "verification", "benchmarks"}  # what people and DVC run
MODULES = sorted(path.relative_to(ROOT) for path in (ROOT / "softmax").glob("**/[!_]*.py"))
FOREIGN = {"dvc", "mlflow", "yaml", "pydantic", "ruamel", "requests", "jinja2", "git"}


def room(module: Path) -> str:
    """Return the package of a module, or its name where it is in none."""
    return module.parts[1].removesuffix(".py")


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_point_down(module: Path) -> None:
    above = ROOMS[ROOMS.index(room(module)) + 1 :]
    up = {path for path in local_imports(module) if room(path) in above or path.parts[0] in TOP}
    assert up == ({Path("softmax/tracking/recording.py")} if module == DOOR else set())


@pytest.mark.parametrize("folders", [{"tools", "verification"}, {"stages", "tools"}])
def test_what_people_run_does_not_import_one_another(folders: set[str]) -> None:
    for module in (path for folder in folders for path in (ROOT / folder).glob("*.py")):
        others = folders - {module.parent.name}
        assert not others & {p.parts[0] for p in local_imports(module.relative_to(ROOT))}


@pytest.mark.parametrize("module", [m for m in MODULES if room(m) in ("core", "training")], ids=str)
def test_the_mathematics_knows_neither_dvc_nor_mlflow(module: Path) -> None:
    for node in ast.walk(ast.parse((ROOT / module).read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
        assert not {name.split(".")[0] for name in names} & FOREIGN
