"""Whether two models differ beyond noise: over the test images, and over seeds."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, ttest_rel

from softmax.provenance.reading import Results

LEVEL = 0.05  # a p-value below it is called more than noise
SEEDS = 3  # with fewer, an interval says nothing
LEAST = 1e-6  # a p-value below it is not written out


def mcnemar(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> tuple[int, int, float]:
    """How many images went from wrong to right and from right to wrong, and the exact p-value.

    If both models were equally good, each image on which they differ would fall to either side
    like a coin. Source: McNemar, Psychometrika 12 (1947); exact, by the binomial distribution.
    """
    fixed, broken = int((after & ~before).sum()), int((before & ~after).sum())
    differ = fixed + broken
    return fixed, broken, binomtest(fixed, differ).pvalue if differ else 1.0


def verdict(before: Results, after: Results) -> str:
    """In Markdown: the test accuracies, and whether their difference is more than noise."""
    old, new = before.metrics, after.metrics
    accuracy = f"Test accuracy **{old['test_accuracy']:.2%} → {new['test_accuracy']:.2%}**"
    if before.test_data != after.test_data:
        return (
            f"{accuracy}, but on another test set: {_correct(old)} correct before, "
            f"{_correct(new)} after. So no test can tell progress from noise."
        )
    fixed, broken, p = mcnemar(before.right, after.right)
    if fixed == broken == 0:
        return f"{accuracy}: the same test images are correct, {_correct(new)}."
    shown = f"p < {LEAST:f}" if p < LEAST else f"p = {_decimal(p)}"
    meaning = "more than noise" if p < LEVEL else "could well be noise"
    return (
        f"{accuracy}: **{fixed - broken:+}** images correct, {_correct(new)}.\n\n"
        f"Images fixed: {fixed}, broken: {broken}; **{meaning}** (McNemar's exact test, {shown})."
    )


def over_seeds(before: Mapping[int, float], after: Mapping[int, float]) -> str:
    """The difference between two recipes over the seeds with which both were trained."""
    seeds = sorted(before.keys() & after.keys())
    if len(seeds) < SEEDS:
        return ""
    old, new = (np.array([side[seed] for seed in seeds]) for side in (before, after))
    spreads = [f"{side.mean():.2%} ± {100 * side.std(ddof=1):.2f}" for side in (old, new)]
    if (old == new).all():
        return f"Over {len(seeds)} seeds the same on both sides: {spreads[0]}."
    low, high = ttest_rel(new, old).confidence_interval(1 - LEVEL)
    meaning = "could well be the seeds" if low <= 0 <= high else "more than the seeds"
    return (
        f"Over the same {len(seeds)} seeds: {spreads[0]} → {spreads[1]}, a difference of "
        f"{100 * (new - old).mean():+.2f} points, {100 * low:+.2f} to {100 * high:+.2f} with "
        f"{1 - LEVEL:.0%} confidence; **{meaning}** (paired t-test)."
    )


def _correct(metrics: Mapping[str, float]) -> str:
    accuracy, total = metrics["test_accuracy"], metrics["test_total"]
    return f"{round(accuracy * total)} of {total}"


def _decimal(value: float) -> str:
    return np.format_float_positional(value, precision=2, fractional=False, trim="-")
