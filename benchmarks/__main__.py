"""Run all benchmarks: python -m benchmarks

Print each table, and write all tables and a description of the machine to benchmarks/results.md.
This needs data/mnist (run `dvc repro download`) and the packages in requirements-dev.txt.
"""

from pathlib import Path

from benchmarks import ceiling, epoch, growth, shell
from benchmarks.shared import machine

RESULTS = Path(__file__).with_name("results.md")


def main() -> None:
    parts = ["# Results of `make bench`", machine()]
    for report in (epoch.report, ceiling.report, growth.report, shell.report):
        parts.append(report())
        print(f"\n{parts[-1]}\n")
    RESULTS.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
