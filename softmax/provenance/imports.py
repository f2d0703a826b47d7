"""What a module of this repository imports from it, read from the code."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def imported_modules(module: Path) -> set[Path]:
    """`module` and every local module that it imports, directly or not, relative to ROOT."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += _local_imports(file)
    return found


def _local_imports(module: Path) -> Iterator[Path]:
    """The files of this repository that `module` imports, its package first."""
    yield module.parent / "__init__.py"
    for node in ast.walk(ast.parse((ROOT / module).read_text(), str(module))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names] + [str(node.module)]
        files = (Path(*name.split(".")).with_suffix(".py") for name in names)
        yield from (file for file in files if (ROOT / file).exists())
