"""What a module of this repository imports from it, read from the code."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
EVENTS = Path("softmax/tracking")  # on which no fact depends


def imported_modules(module: Path) -> set[Path]:
    """`module` and every local module that it imports, directly or not, relative to ROOT.

    But for EVENTS and what only they import, and for `__init__`, which hold only docstrings.
    """
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        file = waiting.pop()
        if file not in found and EVENTS not in file.parents:
            found.add(file)
            waiting += local_imports(file)
    return found


@cache  # many modules import the same one
def local_imports(module: Path) -> list[Path]:
    """The modules of this repository that `module` names in its imports."""
    found: list[Path] = []
    for node in ast.walk(ast.parse((ROOT / module).read_text(), str(module))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names] + [str(node.module)]
        files = (Path(*name.split(".")).with_suffix(".py") for name in names)
        found += (file for file in files if (ROOT / file).exists())
    return found
