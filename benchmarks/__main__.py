"""Run all benchmarks with `python -m benchmarks`, and write results.md. Print each table.

This needs data/mnist (run `dvc repro download`) and the packages in requirements-dev.txt.
"""

from pathlib import Path

from benchmarks import best_accuracy, epoch, scaling, shell
from benchmarks.shared import machine

RESULTS = Path(__file__).with_name("results.md")
EXPLANATION = """\
In the first table, a ratio is the time divided by the time of the two matrix products that an epoch
needs. In the last table, it is the time divided by the time at commit 4f77819. An exponent e means
that the cost grows like (variable)^e. It is fitted to unrounded values. Each row with an exponent
varies one quantity and keeps the defaults of the others: 15,000 images, 784 pixels, 10 classes, and
one model trained on arrays. Of these rows, only `configurations` uses the compiled loops.
[benchmarks.md](../docs/benchmarks.md) explains the tables."""


def main() -> None:
    parts = ["# Results of `make bench`", machine(), EXPLANATION]
    for report in (epoch.report, best_accuracy.report, scaling.report, shell.report):
        parts.append(report())
        print(f"\n{parts[-1]}\n")
    RESULTS.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
