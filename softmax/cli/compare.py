"""Write what changed between models, as for a pull request."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from tqdm import tqdm

from softmax.errors import SoftmaxError, shown
from softmax.pipeline import files
from softmax.provenance import comparison, lock, overview, reading, revisions, staleness
from softmax.provenance.facts import Facts
from softmax.provenance.reading import Results
from softmax.tracking import seeds

REPORT = Path("report/compare.md")
PICTURES = Path("report/compare")
WORKSPACE = "workspace"  # as DVC calls it


def run(base: str, heads: Sequence[str]) -> None:
    """Write the page and its pictures, and print the page, for people what a terminal can show."""
    bar = tqdm([base, *(heads or [WORKSPACE])], desc="compare", leave=False, disable=None)
    before, *others = map(read, bar)
    if len(others) == 1:
        page = comparison.markdown(before, *others)
        shown = comparison.markdown(before, *others, charts=False)
        pictures = comparison.pictures(before, *others)
    else:
        page = shown = overview.markdown(before, others)
        pictures = {}
    files.write({REPORT: page.encode()} | {PICTURES / name: pictures[name] for name in pictures})
    if sys.stdout.isatty():
        Console().print(Markdown(shown))
        print(f"\npage      {REPORT}" + (f"\npictures  {PICTURES}/" if pictures else ""))
    else:
        print(page, end="")


def read(name: str) -> Results:
    """The results of the revision `name`, or of the workspace unless they are stale."""
    if name == WORKSPACE:
        staleness.current()
        return _read(f"`{WORKSPACE}`", Path())
    commit = revisions.find(Path(), name)
    title = f"`{name}` ({commit[:7]})" if not commit.startswith(name) else f"`{commit[:7]}`"
    with tempfile.TemporaryDirectory() as folder:
        revisions.check_out(Path(), commit, Path(folder), lambda _: reading.MODEL)
        return _read(title, Path(folder))


def _read(title: str, folder: Path) -> Results:
    """The results in `folder`, and what MLflow has of the same recipe with other seeds."""
    results = reading.read(title, folder)
    try:
        facts = Facts(folder, lock.params(lock.load(folder)))
        return results._replace(by_seed=seeds.accuracies(facts))
    except SoftmaxError as error:  # params of another version, or no store
        print(f"compare: of other seeds nothing is known: {shown(error)}", file=sys.stderr)
        return results
