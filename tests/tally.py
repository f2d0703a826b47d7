"""What the tests of tests/torture tried, and what was lost of it."""

import json
import os
import platform
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from random import Random
from types import FrameType

from shared import ROOT, SHARED

LONG = "TORTURE"  # the variable by which `make torture` asks for the long form
KINDS = sorted(path.stem for path in Path(__file__).parent.glob("torture/test_*.py"))
PAGE = ROOT / "docs/survival.md"
HEADING = "## The last one\n"  # what comes before it is written by hand
MOST = 10  # losses after which a test has said enough


class Hang(BaseException):
    """A case took longer than its deadline; no `except Exception` of a parser holds it up."""


class Tally:
    """Counts the cases of one kind, and those in which something was lost."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.long = bool(os.environ.get(LONG))

    def run(
        self,
        what: str,
        attempt: Callable[[Random], None],
        *,
        short: int,
        long: int,
        after_loss: Callable[[], None] = lambda: None,
    ) -> None:
        """Call `attempt` so many times, each with random numbers of its own.

        What it raises is a loss. Its text names the seed, with which `attempt` does the same again.
        """
        start, losses, tried = time.perf_counter(), list[str](), 0
        for tried in range(1, 1 + (long if self.long else short)):
            seed = f"{what} {tried}"
            try:
                attempt(Random(seed))  # noqa: S311 (nothing secret)
            except (Exception, Hang):
                losses.append(f"Random({seed!r})\n{traceback.format_exc()}")
                append("losses", losses[-1])  # for who waits for the end
                after_loss()
            if len(losses) == MOST:
                break
        append(
            "tally", json.dumps([self.kind, what, tried, len(losses), time.perf_counter() - start])
        )
        assert not losses, "\n\n".join(losses)


def append(name: str, line: str) -> None:
    """Add a line, in one piece, to a file of all processes that run tests."""
    with (Path(os.environ[SHARED]) / name).open("a") as file:
        file.write(f"{line}\n")


def note(text: str) -> None:
    """Let the table say, once and how often, what is no loss and should be known."""
    append("notes", text)


def hang(_: int, frame: FrameType | None) -> None:
    """The end of a case that holds the processor; for signal.SIGALRM."""
    raise Hang(f"still in {frame.f_code if frame else '?'}")


def table() -> str:
    """All that was tried in this run, as Markdown; nothing if nothing was."""
    tally = Path(os.environ[SHARED]) / "tally"
    if not tally.exists():
        return ""
    rows = sorted(json.loads(line) for line in tally.read_text().splitlines())
    lines = ["| kind | what | tried | lost | seconds |", "| --- | --- | ---: | ---: | ---: |"]
    for kind, what, tried, lost, seconds in rows:
        lines.append(f"| {kind} | {what} | {tried:,} | {lost:,} | {seconds:.0f} |")
    tried, lost, seconds = (sum(column) for column in list(zip(*rows, strict=True))[2:])
    lines.append(f"| **all** | | **{tried:,}** | **{lost:,}** | {seconds:.0f} |\n")
    notes = Path(os.environ[SHARED]) / "notes"
    counted = Counter(notes.read_text().splitlines() if notes.exists() else ())
    lines += [f"{text}: {times} times.\n" for text, times in sorted(counted.items())]
    return "\n".join(lines)


def keep(table: str) -> None:
    """Put `table` into docs/survival.md, if it is of a long run of every kind."""
    if not os.environ.get(LONG) or not all(f"| {name(stem)} |" in table for stem in KINDS):
        return
    where = f"{os.cpu_count()} cores, {platform.system()}, Python {sys.version.split()[0]}"
    intro = PAGE.read_text().partition(HEADING)[0]
    PAGE.write_text(f"{intro}{HEADING}\n{datetime.now():%Y-%m-%d}, on {where}:\n\n{table}")


def name(stem: str) -> str:
    """The kind of the tests in a file of this name."""
    return stem.removeprefix("test_").replace("_", " ")
