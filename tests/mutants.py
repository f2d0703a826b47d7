"""Change the code in one small place at a time, and check whether a test fails.

    python tests/mutants.py            # six changes in each area, 72 in all
    python tests/mutants.py --seed 1   # 72 different changes

Each change is made in a clone of the working tree, in which the tests for its area (see TESTS) run
until one fails. A change that no test detects survives. Add the missing test, unless the change
has no effect. mutmut and cosmic-ray change only the code that pytest imports, but end-to-end tests
run a clone.
"""

import argparse
import ast
import copy
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from helpers.clones import build_repository, git
from helpers.shared import ROOT
from tqdm import tqdm

EACH = 6  # changes in each area
DEADLINE = 900  # seconds for the tests of one change
STAGES, REFERENCE = "stages/test_stages.py", "verification/test_reference.py"
TESTS = {  # directories and modules below tests/ for each area, the fastest first
    "softmax/core": ["core", "training", STAGES, REFERENCE],
    "softmax/training": ["training", REFERENCE, STAGES, "sweep", "end_to_end/test_workers.py"],
    "softmax/pipeline": ["pipeline", STAGES, "download", "tracking", "verification"],
    "softmax/data": ["importing", "download", STAGES, "fuzzing", "end_to_end/test_own_data.py"],
    "softmax/analysis": ["analysis", STAGES, "cli", "verification", "tracking"],
    "softmax/report": [STAGES, "report"],
    "softmax/sweep": ["sweep", "end_to_end/test_sweep.py"],
    "softmax/tracking": ["tracking", "sweep", "cli"],
    "softmax/cli": ["cli", "importing", "sweep", "tracking"],
    "softmax": ["test_errors.py", STAGES, "download"],
    "stages": ["stages", "tracking", "training", "end_to_end/test_workers.py"],
    "verification": ["verification", "end_to_end/test_reproducibility.py"],
}
PAIRS = [
    *[(ast.Lt, ast.LtE), (ast.Gt, ast.GtE), (ast.Eq, ast.NotEq), (ast.In, ast.NotIn)],
    *[(ast.Is, ast.IsNot), (ast.And, ast.Or), (ast.Add, ast.Sub), (ast.Mult, ast.Div)],
]
FLIPPED: dict[type, Any] = {old: new for pair in PAIRS for old, new in (pair, pair[::-1])}


def change(node: ast.AST) -> bool:
    """Change a node of the syntax tree. Return False if its kind cannot be changed."""
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in FLIPPED:
            node.ops = [FLIPPED[type(operator)]()]
        case ast.BinOp(op=operator) | ast.BoolOp(op=operator) | ast.AugAssign(op=operator) if (
            type(operator) in FLIPPED
        ):
            node.op = FLIPPED[type(operator)]()
        case ast.Constant(value=bool(value)):
            node.value = not value
        case ast.Constant(value=int(value) | float(value)):
            node.value = value + 1
        case ast.Expr(value=ast.Call()):  # drop the call
            node.value = ast.Constant(None)
        case ast.Call(args=[first, second, *others]):
            node.args = [second, first, *others]
        case ast.If(test=test):
            node.test = ast.UnaryOp(ast.Not(), test)
        case _:
            return False
    return True


def choose(seed: int) -> list[tuple[str, Path, int]]:
    """Return EACH changes in each area: the area, the module, and the number of the node."""
    draw = random.Random(seed)  # noqa: S311 (nothing secret)
    chosen = []
    for area in TESTS:
        paths = sorted((ROOT / area).glob("*.py" if area == "softmax" else "**/*.py"))
        found = [
            (area, path.relative_to(ROOT), number)
            for path in paths
            for number, node in enumerate(ast.walk(ast.parse(path.read_text())))
            if change(copy.copy(node))
        ]
        chosen += draw.sample(found, EACH)
    return chosen


def run_tests(area: str, path: Path, number: int, clone: Path) -> str:
    """Return a description of the change, and the first failed test or "SURVIVED"."""
    source = (clone / path).read_text()
    tree = ast.parse(source)
    node = list(ast.walk(tree))[number]
    before = ast.unparse(node)
    change(node)
    after = ast.unparse(node)
    described = f"{path}:{getattr(node, 'lineno', 0)}: {before[:80]!r} -> {after[:80]!r}"
    (clone / path).write_text(ast.unparse(tree))
    tests = [f"tests/{name}" for name in TESTS[area]]
    command = [sys.executable, "-m", "pytest", "-x", "-n", "0", "-m", "not extended", *tests]
    try:
        done = subprocess.run(
            command, cwd=clone, capture_output=True, text=True, timeout=DEADLINE, check=False
        )
    except subprocess.TimeoutExpired:
        return f"{described}\n    killed by the deadline"
    finally:
        (clone / path).write_text(source)
        for compiled in (clone / path).parent.glob(f"__pycache__/{path.stem}.*"):
            compiled.unlink()  # the next change may have the same time and size
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    by = f"killed by {(failed or [done.stderr[-500:]])[0]}" if done.returncode else "SURVIVED"
    return f"{described}\n    {by}"


def main() -> None:
    """Print two lines for each change, and the number of changes that survived."""
    parser = argparse.ArgumentParser(description="Count the changes that no test detects.")
    parser.add_argument("--seed", type=int, default=0, help="chooses the changes (default: 0)")
    chosen, survived = choose(parser.parse_args().seed), 0
    with tempfile.TemporaryDirectory() as place:
        build_repository(Path(place) / "repository")
        clone = Path(place) / "clone"
        git(ROOT, "clone", "--quiet", f"{place}/repository", str(clone))
        (clone / "data").symlink_to(ROOT / "data")
        for area, path, number in tqdm(chosen, disable=None):
            start = time.monotonic()
            result = run_tests(area, path, number, clone)
            survived += result.endswith("SURVIVED")
            tqdm.write(f"{result}, {time.monotonic() - start:.0f} s")
    print(f"{len(chosen) - survived} of {len(chosen)} killed, {survived} survived")


if __name__ == "__main__":
    main()
