"""Run all benchmarks: python -m benchmarks

Prints each table, and writes all of them, with the machine, to benchmarks/results.md. Needs
data/mnist (`dvc repro download`) and requirements-dev.txt.
"""

from pathlib import Path

from benchmarks import ceiling, epoch, growth, shell
from benchmarks.shared import machine

RESULTS = Path(__file__).with_name("results.md")


def main() -> None:
    parts = ["# What `make bench` printed", machine()]
    for report in (epoch.report, ceiling.report, growth.report, shell.report):
        parts.append(report())
        print(f"\n{parts[-1]}\n")
    RESULTS.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
