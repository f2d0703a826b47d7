"""Test that the dependencies in dvc.yaml match the imports of the stages."""

import ast
import re
from pathlib import Path

import grimp
import pytest
import yaml
from dvc.repo import Repo
from helpers.shared import ROOT

from softmax.pipeline import paths

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
CODE = ("softmax", "stages")


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    """Return the graph of all imports of the code, except those for type checkers."""
    return grimp.build_graph(*CODE, exclude_type_checking_imports=True)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_modules_it_imports(stage: str, imports: grimp.ImportGraph) -> None:
    """Expect each module or its directory in dvc.yaml, but no module that is not imported."""
    names = {f"stages.{stage}", *imports.find_upstream_modules(f"stages.{stage}")}
    modules = {Path(*name.split(".")) for name in names}
    files = {path.with_suffix(".py") for path in modules if not (ROOT / path).is_dir()}
    declared = [path for path in map(Path, STAGES[stage]["deps"]) if path.parts[0] in CODE]
    assert [file for file in files if not {file, *file.parents} & {*declared}] == []
    assert [path for path in declared if not any(f.is_relative_to(path) for f in files)] == []


@pytest.mark.usefixtures("workspace")
def test_temporary_files_do_not_rerun_a_stage() -> None:
    for name in ("__pycache__/model.pyc", ".model.py.swp", "model.py~", "model.py"):
        path = Path("softmax/core") / name
        path.parent.mkdir(exist_ok=True)
        with Repo() as repo:
            assert repo.status() == {}
        path.touch() if path.suffix != ".py" else path.write_text("# edited\n")
    with Repo() as repo:
        assert repo.status().keys() == {"train", "evaluate", "export", "lesson", "report"}


@pytest.mark.parametrize("module", sorted((ROOT / "softmax").rglob("__init__.py")), ids=str)
def test_a_package_imports_nothing_and_its_docstring_lists_its_modules(module: Path) -> None:
    (docstring,) = ast.parse(module.read_text()).body
    assert isinstance(docstring, ast.Expr)
    others = {path.stem for path in module.parent.glob("*.py")} - {"__init__", "__main__"}
    packages = {path.parent.name for path in module.parent.glob("*/__init__.py")}
    assert others | packages <= {*re.findall(r"\w+", module.read_text())}


def test_stages_depend_on_the_params_of_their_sections() -> None:
    for name, section in yaml.safe_load((ROOT / "params.yaml").read_text()).items():
        named: list[str] = []
        for entry in STAGES[name]["params"]:
            named += [entry] if isinstance(entry, str) else entry.get("params.yaml", [])
        assert {f"{name}.{key}" for key in section} <= set(named)


def test_the_code_and_dvc_name_the_same_outputs() -> None:
    declared = set()
    for stage in (STAGES[name] for name in STAGES if name != "download"):
        for out in stage.get("outs", []) + stage.get("metrics", []) + stage.get("plots", []):
            declared |= {Path(out)} if isinstance(out, str) else set(map(Path, out))
    known = {value for value in vars(paths).values() if isinstance(value, Path)}
    assert {path for path in known if not declared & set(path.parents)} == declared
