"""Test whether two models differ by more than noise: over the test images, and over seeds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, ttest_rel

from softmax.analysis import dataset_changes
from softmax.analysis.trained_models import Results

LEVEL = 0.05  # a difference with a smaller p-value is called more than noise
SEEDS = 3  # minimum number of seeds for a confidence interval
MIN_P_VALUE = 1e-6  # the minimum p-value that is printed as a number


def mcnemar(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> tuple[int, int, float]:
    """Return how many images became correct and how many incorrect, and the exact p-value.

    If both models are equally good, each image that only one model classifies correctly favors
    either model with probability 1/2: a binomial test. Source: McNemar, Psychometrika 12 (1947).
    """
    fixed, broken = int((after & ~before).sum()), int((before & ~after).sum())
    differ = fixed + broken
    return fixed, broken, binomtest(fixed, differ).pvalue if differ else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values of several tests, so the probability of any false alarm is at most LEVEL.

    With m tests, the smallest is multiplied by m, the next by m - 1, and so on. None may be less
    than its predecessor. Source: Holm, Scand. J. Statist. 6 (1979). SciPy lacks this correction.
    """
    order = np.argsort(p_values)
    corrected = np.sort(p_values) * np.arange(len(p_values), 0, -1)
    corrected = np.minimum(np.maximum.accumulate(corrected), 1)
    return corrected[np.argsort(order)].tolist()


def shared(before: Results, after: Results) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return whether `before` and `after` classify each shared test image correctly: bool (n,).

    Shared images have the same pixels and class. If the test sets differ and are missing, n is 0.
    """
    if before.test_data == after.test_data and before.dataset()[1] == after.dataset()[1]:
        return before.correct, after.correct
    if before.version is None or after.version is None:
        return before.correct[:0], after.correct[:0]
    left, right = dataset_changes.shared_tests(before.version, after.version)
    return before.correct[left], after.correct[right]


def verdict(before: Results, after: Results) -> str:
    """Return Markdown: the test accuracies, and whether their difference is more than noise."""
    old, new = before.metrics["test_accuracy"], after.metrics["test_accuracy"]
    accuracy, tests = f"Test accuracy **{old:.2%} → {new:.2%}**", shared(before, after)
    count = len(tests[0])
    if count < max(len(before.correct), len(after.correct)):
        accuracy += (
            f", but on different test sets: {_share(before.correct)} correct before, "
            f"{_share(after.correct)} after.\n\n"
        )
        if not count:
            return (
                f"{accuracy}No image is known to be in both test sets with the same label, so no "
                "test can tell progress from noise."
            )
        accuracy += f"On the {count} test images in both sets with the same label"
    fixed, broken, p = mcnemar(*tests)
    if fixed == broken == 0:
        return f"{accuracy}: the same test images are correct, {_share(tests[1])}."
    shown = p_value(p) if p < MIN_P_VALUE else f"= {p_value(p)}"
    return (
        f"{accuracy}: **{fixed - broken:+}** images correct, {_share(tests[1])}.\n\n"
        f"Images fixed: {fixed}, broken: {broken}; **{meaning(p)}** "
        f"(McNemar's exact test, p {shown})."
    )


def meaning(p: float) -> str:
    return "more than noise" if p < LEVEL else "could well be noise"


def p_value(p: float) -> str:
    if p < MIN_P_VALUE:
        return f"< {MIN_P_VALUE:f}"
    return np.format_float_positional(p, precision=2, fractional=False, trim="-")


def over_seeds(before: Results, after: Results, *, brief: bool = False) -> str:
    """Compare two sets of hyperparameters over their common seeds, as a table cell if `brief`.

    The interval is that of a paired t-test. Return "" if there are fewer than SEEDS common seeds.
    """
    seeds = sorted(before.by_seed.keys() & after.by_seed.keys())
    if (count := len(seeds)) < SEEDS:
        return ""
    if before.test_data != after.test_data:
        differ = f"The {count} common seeds are not compared, because the test sets differ."
        return "different test sets" if brief else differ
    old, new = np.array([[side.by_seed[seed] for seed in seeds] for side in (before, after)]) * 100
    spreads = [f"{side.mean():.2f}% ± {side.std(ddof=1):.2f}" for side in (old, new)]
    if (old == new).all():
        same = f"No difference over {count} seeds"
        return same.lower() if brief else f"{same}: {spreads[0]}."
    test = ttest_rel(new, old)
    low, high = test.confidence_interval(1 - LEVEL)
    mean, verdict = (new - old).mean(), meaning(test.pvalue)
    if brief:
        return f"{mean:+.2f} ({low:+.2f} to {high:+.2f}) over {count} seeds: {verdict}"
    return (
        f"Over {count} common seeds: {spreads[0]} → {spreads[1]}, a difference of {mean:+.2f} "
        f"percentage points ({low:+.2f} to {high:+.2f} with {1 - LEVEL:.0%} confidence): "
        f"**{verdict}** (paired t-test)."
    )


def _share(correct: NDArray[np.bool_]) -> str:
    return f"{correct.sum()} of {len(correct)}"
