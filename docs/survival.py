"""Run the fault-tolerance tests with many inputs, and write the table of docs/survival.md.

`python -m docs.survival` takes about a quarter of an hour on two cores.
"""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree

import pandas as pd

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).with_suffix(".md")
MARK = "<!-- table -->\n"
KINDS = {  # for each path or test that pytest runs
    "tests/faults/test_writes.py": "writes",
    "tests/faults/test_processes.py": "processes",
    "tests/faults/test_served.py": "serving",
    "tests/download/test_mirror.py": "mirrors",
    "tests/pipeline/test_params.py": "params",
    "tests/fuzzing/test_parsers.py": "parsers",
    "tests/importing/test_command.py::test_a_damaged_file_is_imported_or_rejected": "parsers",
}


def results(report: Path) -> Iterator[dict[str, Any]]:
    """Yield a table row for each test that ran, from a JUnit report.

    A test that tries several inputs records their number as the property `cases`.
    """
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 (pytest wrote it)
        if case.find("skipped") is None:
            recorded = case.find("properties/property[@name='cases']")
            path = f"{case.get('classname', '').replace('.', '/')}.py"
            name, _, param = case.get("name", "").removeprefix("test_").partition("[")
            test = name.replace("_", " ") + (f": {param[:-1]}" if recorded is not None else "")
            yield {
                "kind": next(kind for tests, kind in KINDS.items() if tests.startswith(path)),
                "test": test.removesuffix(": "),
                "cases": 1 if recorded is None else int(recorded.get("value", 0)),
                "failed": int(case.find("failure") is not None or case.find("error") is not None),
                "seconds": float(case.get("time", 0)),
            }


def main() -> None:
    """Run the tests and replace the table of docs/survival.md."""
    started = time.monotonic()
    with TemporaryDirectory() as directory:
        report = Path(directory) / "report.xml"
        command = [sys.executable, "-m", "pytest", f"--junitxml={report}", *KINDS]
        environment = {**os.environ, "HYPOTHESIS_PROFILE": "long"}
        subprocess.run(command, cwd=ROOT, env=environment, check=False)
        table = pd.DataFrame(results(report)).groupby(["kind", "test"]).sum()
    minutes = (time.monotonic() - started) / 60
    table.loc[("**all**", ""), :] = table.sum()
    shown = table.reset_index().to_markdown(index=False, floatfmt=".0f", intfmt=",")
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    head, mark, _ = PAGE.read_text().partition(MARK)
    run = f"The last run, on {datetime.now():%Y-%m-%d}, took {minutes:.0f} minutes on {machine}.\n"
    run += "The tests run in parallel, so their seconds add up to more than that.\n"
    PAGE.write_text(f"{head}{mark}{run}\n{shown}\n")


if __name__ == "__main__":
    main()
