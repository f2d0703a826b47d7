"""Compare what can be compared in one run: python -m benchmarks [epoch|ceiling|growth ...]

Prints each table, and writes them, with the machine, to benchmarks/results.md. Needs data/mnist
(`dvc repro download`) and requirements-dev.txt.
"""

import argparse
import os
import platform
from importlib.metadata import version
from pathlib import Path

from benchmarks import ceiling, epoch, growth

TABLES = {"epoch": epoch.report, "ceiling": ceiling.report, "growth": growth.report}
RESULTS = Path(__file__).with_name("results.md")
LIBRARIES = ("numpy", "numba", "torch", "jax", "scikit-learn")


def machine() -> str:
    """The processor, how many there are, and the versions of the libraries."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next(line.split(": ")[1] for line in lines if line.startswith("model name"))
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"{model}, {os.cpu_count()} processors; Python {platform.python_version()}, {libraries}."


def main() -> None:
    """Make the tables that are asked for, or all."""
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], default=[])
    chosen = parser.parse_args().tables or list(TABLES)
    parts = ["# What `make bench` printed", machine()]
    for name in chosen:
        parts.append(TABLES[name]())
        print(f"\n{parts[-1]}\n")
    if chosen == list(TABLES):
        RESULTS.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
