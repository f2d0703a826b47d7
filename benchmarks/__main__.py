"""Run all benchmarks: python -m benchmarks

Prints each table, and writes all of them, with the machine, to benchmarks/results.md. Needs
data/mnist (`dvc repro download`) and requirements-dev.txt.
"""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

from benchmarks import ceiling, epoch, growth, shell

CPUINFO = Path("/proc/cpuinfo")  # of Linux, which names the model on x86-64 only
RESULTS = Path(__file__).with_name("results.md")
LIBRARIES = ("numpy", "numba", "torch", "jax", "scikit-learn")


def machine() -> str:
    """Return the processor, the number of CPUs, and the versions of the libraries."""
    found = re.findall("model name[^:]*: (.*)", CPUINFO.read_text()) if CPUINFO.exists() else []
    model = found[0] if found else platform.processor() or platform.machine()
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"{model}, {os.cpu_count()} processors; Python {platform.python_version()}, {libraries}."


def main() -> None:
    """Print all tables and write them."""
    parts = ["# What `make bench` printed", machine()]
    for report in (epoch.report, ceiling.report, growth.report, shell.report):
        parts.append(report())
        print(f"\n{parts[-1]}\n")
    RESULTS.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
