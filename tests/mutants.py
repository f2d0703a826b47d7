"""Change the product in one small place at a time, and see whether a test fails.

    python tests/mutants.py                     # six changes in each area, 72 in all
    python tests/mutants.py --seed 1 --jobs 2   # 72 others, two at a time

Each change is made in a clone of the working tree, where the tests of `make test` that concern its
area run until one fails. A change that no test notices survives: add the test that is missing,
unless the change has no effect. mutmut and cosmic-ray do not serve here: they change the code that
pytest imports, and the end-to-end tests run a clone of it.
"""

import argparse
import ast
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from helpers.clones import build_repository, git
from helpers.shared import ROOT
from tqdm import tqdm

DEADLINE = 900  # seconds for the tests of one change
STAGES = "stages/test_stages.py"
CONCERNED = {  # directories and modules below tests/, the fastest first
    "softmax/core": ["core", "training", STAGES, "verification/test_reference.py"],
    "softmax/training": ["training", STAGES, "sweep", "end_to_end/test_workers.py"],
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
SWAPPED = [
    *[("<", "<="), (">", ">="), ("==", "!="), ("in", "not in"), ("is", "is not")],
    *[("and", "or"), ("+", "-"), ("*", "/"), ("&", "|"), ("<<", ">>")],
]
FLIPPED = {old: new for pair in SWAPPED for old, new in (pair, pair[::-1])}
FLIPPED |= dict.fromkeys(("//", "%", "@"), "*")


class Change(NamedTuple):
    """Bytes of a file of an area, and what replaces them."""

    area: str
    path: Path
    start: int
    end: int
    new: str

    def __str__(self) -> str:
        source = (ROOT / self.path).read_bytes()
        line = source.count(b"\n", 0, self.start) + 1
        return f"{self.path}:{line}: {source[self.start : self.end].decode()!r} -> {self.new!r}"


def changes(area: str, path: Path) -> Iterator[Change]:
    """Yield every change of a module that this program knows."""
    source = (ROOT / path).read_bytes()
    lines = [0]
    for line in source.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))

    def begin(node: ast.expr | ast.stmt) -> int:
        return lines[node.lineno - 1] + node.col_offset

    def end(node: ast.expr | ast.stmt) -> int:
        return lines[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)

    def text(start: int, end: int) -> str:
        return source[start:end].decode()

    for node in ast.walk(ast.parse(source)):
        pair: tuple[ast.expr, ast.expr] | None = None
        match node:
            case ast.Compare(left=left, comparators=[right]) | ast.BinOp(left=left, right=right):
                pair = left, right
            case ast.BoolOp(values=[left, right, *_]):
                pair = left, right
            case ast.Constant(value=bool(value)):
                yield Change(area, path, begin(node), end(node), str(not value))
            case ast.Constant(value=int(value) | float(value)):
                yield Change(area, path, begin(node), end(node), repr(value + 1))
            case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Raise():
                yield Change(area, path, begin(node), end(node), "pass")
            case ast.Call(args=[ast.Starred(), *_]) | ast.Call(args=[_, ast.Starred(), *_]):
                pass
            case ast.Call(args=[first, second, *_]):
                one, other = (text(begin(arg), end(arg)) for arg in (first, second))
                swapped = other + text(end(first), begin(second)) + one
                yield Change(area, path, begin(first), end(second), swapped)
            case ast.If(test=test):
                negated = f"not ({text(begin(test), end(test))})"
                yield Change(area, path, begin(test), end(test), negated)
        if pair:
            between = text(end(pair[0]), begin(pair[1]))
            if (operator := between.strip("() \n")) in FLIPPED:
                new = between.replace(operator, FLIPPED[operator])
                yield Change(area, path, end(pair[0]), begin(pair[1]), new)


def choose(seed: int, each: int) -> list[Change]:
    """Return so many changes of each area, in random places."""
    draw = random.Random(seed)  # noqa: S311 (nothing secret)
    chosen = []
    for area in CONCERNED:
        pattern = "**/*.py" if area.startswith("softmax/") else "*.py"
        paths = sorted(path.relative_to(ROOT) for path in (ROOT / area).glob(pattern))
        chosen += draw.sample([one for path in paths for one in changes(area, path)], each)
    return chosen


def judge(change: Change, clone: Path) -> str:
    """Return the first test that fails with a change, or that it survived."""
    path = clone / change.path
    source = path.read_bytes()
    path.write_bytes(source[: change.start] + change.new.encode() + source[change.end :])
    tests = [f"tests/{name}" for name in CONCERNED[change.area]]
    command = [sys.executable, "-m", "pytest", "-x", "-n", "0", "-m", "not extended", *tests]
    try:
        done = subprocess.run(
            command, cwd=clone, capture_output=True, text=True, timeout=DEADLINE, check=False
        )
    except subprocess.TimeoutExpired:
        return "killed by the deadline"
    finally:
        path.write_bytes(source)
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
            compiled.unlink()  # its date and size may be those of the next change
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return f"killed by {(failed or [done.stderr[-500:]])[0]}" if done.returncode else "SURVIVED"


def main() -> None:
    """Print a line for each change, and count those that survived."""
    parser = argparse.ArgumentParser(description="Count the changes that no test notices.")
    parser.add_argument("--seed", type=int, default=0, help="of the choice (default: 0)")
    parser.add_argument("--each", type=int, default=6, help="changes of an area (default: 6)")
    parser.add_argument("--jobs", type=int, default=1, help="at the same time (default: 1)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        build_repository(Path(place) / "repository")
        clones: SimpleQueue[Path] = SimpleQueue()
        for number in range(options.jobs):
            clones.put(Path(place) / f"{number}")
            git(ROOT, "clone", "--quiet", f"{place}/repository", f"{place}/{number}")
            (Path(place) / f"{number}/data").symlink_to(ROOT / "data")

        def tell(change: Change) -> bool:
            clone, start = clones.get(), time.monotonic()
            said = judge(change, clone)
            clones.put(clone)
            tqdm.write(f"{change}\n    {said}, {time.monotonic() - start:.0f} s")
            return said == "SURVIVED"

        chosen = choose(options.seed, options.each)
        with ThreadPoolExecutor(options.jobs) as pool:
            survived = sum(tqdm(pool.map(tell, chosen), total=len(chosen), disable=None))
    print(f"{len(chosen) - survived} of {len(chosen)} killed, {survived} survived")


if __name__ == "__main__":
    main()
