"""Test whether two models differ by more than noise: over the test images, and over seeds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, ttest_rel

from softmax.analysis import dataset_changes
from softmax.analysis.trained_models import Results

LEVEL = 0.05  # a p-value below it is called more than noise
SEEDS = 3  # with fewer, an interval says nothing
LEAST = 1e-6  # a p-value below it is not written out


def mcnemar(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> tuple[int, int, float]:
    """Count images that became correct and that became wrong, and return the exact p-value.

    If both models are equally good, each image on which they differ favors either one like a fair
    coin. Source: McNemar, Psychometrika 12 (1947); exact, by the binomial distribution.
    """
    fixed, broken = int((after & ~before).sum()), int((before & ~after).sum())
    differ = fixed + broken
    return fixed, broken, binomtest(fixed, differ).pvalue if differ else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct the p-values of a family of tests, so LEVEL holds for all of them together.

    With m tests, the smallest is multiplied by m, the next by m - 1, and so on, and none becomes
    less than its predecessor. Source: Holm, Scandinavian Journal of Statistics 6 (1979). SciPy does
    not have it, and statsmodels is a large library for one line.
    """
    order = np.argsort(p_values)
    corrected = np.sort(p_values) * np.arange(len(p_values), 0, -1)
    corrected = np.minimum(np.maximum.accumulate(corrected), 1)
    return corrected[np.argsort(order)].tolist()


def shared(before: Results, after: Results) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which of the test images that both have, with the same class, each side got right.

    Both are bool (n,); n is 0 if the test sets differ and their images cannot be read.
    """
    if before.test_data == after.test_data and before.dataset()[1] == after.dataset()[1]:
        return before.right, after.right
    if before.version is None or after.version is None:
        return before.right[:0], after.right[:0]
    left, right = dataset_changes.shared_tests(before.version, after.version)
    return before.right[left], after.right[right]


def verdict(before: Results, after: Results) -> str:
    """Return Markdown: the test accuracies, and whether their difference is more than noise."""
    old, new = before.metrics["test_accuracy"], after.metrics["test_accuracy"]
    accuracy, tests = f"Test accuracy **{old:.2%} → {new:.2%}**", shared(before, after)
    count = len(tests[0])
    if count < max(len(before.right), len(after.right)):
        accuracy += (
            f", but on different test sets: {_correct(before.right)} correct before, "
            f"{_correct(after.right)} after.\n\n"
        )
        if not count:
            return (
                f"{accuracy}No image is known to be in both test sets with the same label, so no "
                "test can tell progress from noise."
            )
        accuracy += f"On the {count} test images that both have, with the same label"
    fixed, broken, p = mcnemar(*tests)
    if fixed == broken == 0:
        return f"{accuracy}: the same test images are correct, {_correct(tests[1])}."
    shown = p_value(p) if p < LEAST else f"= {p_value(p)}"
    return (
        f"{accuracy}: **{fixed - broken:+}** images correct, {_correct(tests[1])}.\n\n"
        f"Images fixed: {fixed}, broken: {broken}; **{meaning(p)}** "
        f"(McNemar's exact test, p {shown})."
    )


def meaning(p: float) -> str:
    return "more than noise" if p < LEVEL else "could well be noise"


def p_value(p: float) -> str:
    if p < LEAST:
        return f"< {LEAST:f}"
    return np.format_float_positional(p, precision=2, fractional=False, trim="-")


def over_seeds(before: Results, after: Results, *, brief: bool = False) -> str:
    """Compare two sets of hyperparameters over their common seeds; `brief` is for a table's cell.

    The confidence interval of the mean difference comes from the paired t-test.
    """
    seeds = sorted(before.by_seed.keys() & after.by_seed.keys())
    if (count := len(seeds)) < SEEDS:
        return ""
    if before.test_data != after.test_data:
        differ = f"The {count} seeds of both sides are left out: their test accuracies are of "
        return "different test sets" if brief else f"{differ}different test sets."
    old, new = np.array([[side.by_seed[seed] for seed in seeds] for side in (before, after)])
    spreads = [f"{side.mean():.2%} ± {100 * side.std(ddof=1):.2f}" for side in (old, new)]
    if (old == new).all():
        same = f"Over {count} seeds the same on both sides: {spreads[0]}."
        return f"the same over {count}" if brief else same
    low, high = ttest_rel(new, old).confidence_interval(1 - LEVEL)
    words = "could well be the seeds" if low <= 0 <= high else "more than the seeds"
    mean = 100 * (new - old).mean()
    difference = f"{mean:+.2f} points, {100 * low:+.2f} to {100 * high:+.2f}"
    if brief:
        return f"{difference}, over {count}; {words}"
    return (
        f"Over the same {count} seeds: {spreads[0]} → {spreads[1]}, a difference of "
        f"{difference} with {1 - LEVEL:.0%} confidence; **{words}** (paired t-test)."
    )


def _correct(right: NDArray[np.bool_]) -> str:
    return f"{right.sum()} of {len(right)}"
