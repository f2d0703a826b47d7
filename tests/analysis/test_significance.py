"""Test which differences count as more than noise, over test images and over seeds."""

import math
from typing import Any

import numpy as np
import pytest
from analysis.sides import results, version

from softmax.analysis import comparison, significance


@pytest.mark.parametrize(("fixed", "broken"), [(41, 12), (12, 41), (1, 0), (5, 5), (3, 4), (0, 0)])
def test_mcnemar_equals_the_two_sided_binomial_test(fixed: int, broken: int) -> None:
    """Expect a p-value of twice the tail of the binomial distribution, but at most 1."""
    before = np.repeat([False, True, True], [fixed, broken, 100])
    after = np.repeat([True, False, True], [fixed, broken, 100])
    n = fixed + broken
    tail = sum(math.comb(n, k) for k in range(min(fixed, broken) + 1)) / 2**n
    *counts, p = significance.mcnemar(before, after)
    assert counts == [fixed, broken]
    assert p == pytest.approx(min(1, 2 * tail))


@pytest.mark.parametrize(
    ("fixed", "verdict"),
    [
        (1, "**+1** images correct, 1 of 40.\n\nImages fixed: 1, broken: 0; **could well be"),
        (6, "Images fixed: 6, broken: 0; **more than noise** (McNemar's exact test, p = 0.031)"),
        (40, "**more than noise** (McNemar's exact test, p < 0.000001)"),
    ],
)
def test_the_verdict_distinguishes_progress_from_noise(fixed: int, verdict: str) -> None:
    before = results(correct=np.zeros(40, bool))
    metrics = {"test_accuracy": 0.7, "test_total": 10}
    after = results(correct=np.arange(40) < fixed, metrics=metrics)
    assert verdict in comparison.markdown(before, after)


def test_only_shared_test_images_are_compared() -> None:
    """Compare test sets in which image A occurs twice and three times, and B changes its label."""
    before = results(correct=np.array([0, 1, 1, 0, 1], bool), version=version("AABCD", "aaabc"))
    changed = {"test_data": {"another"}, "correct": np.arange(7) != 5}
    after = results(**changed, version=version("EDCBAAA", "acbbaaa", "bac"))
    shown = comparison.markdown(before, after)
    assert "but on different test sets: 3 of 5 correct before, 6 of 7 after" in shown
    assert "On the 4 test images in both sets with the same label: **+1** images" in shown
    assert "Images fixed: 2, broken: 1;" in shown
    for other in (version("AABCD", "bbcaa"), None):
        assert "so no test can tell" in comparison.markdown(before, after._replace(version=other))


def over_seeds(after: list[float], **changes: Any) -> str:
    """Return the report of a model with the accuracies `after` for the seeds 0, 1, ..."""
    before = results(by_seed={0: 0.80, 1: 0.81, 2: 0.82, 7: 0.5})
    return comparison.markdown(before, results(by_seed=dict(enumerate(after)), **changes))


def test_the_difference_over_seeds_has_a_confidence_interval() -> None:
    """Expect 3 ± 4.303 / sqrt(3) for differences of 2, 3 and 4 points (Student's t)."""
    output = over_seeds([0.82, 0.84, 0.86])
    assert "Over 3 common seeds: 81.00% ± 1.00 → 84.00% ± 2.00" in output
    assert "of +3.00 percentage points (+0.52 to +5.48 with 95% confidence)" in output
    assert ": **more than noise** (paired" in output


def test_no_progress_is_reported_if_seeds_are_noisy_equal_few_or_incomparable() -> None:
    assert ": **could well be noise** (paired" in over_seeds([0.82, 0.80, 0.83])
    same = over_seeds([0.80, 0.81, 0.82])
    assert "No difference over 3 seeds: 81.00% ± 1.00." in same
    assert "seeds" not in over_seeds([0.9, 0.91])
    other = over_seeds([0.82, 0.84, 0.86], test_data={"another"})
    assert "The 3 common seeds are not compared, because the test sets differ." in other
    assert "paired" not in other


def test_holm_corrects_p_values() -> None:
    """Expect 0.01 times 3, 0.02 times 2, and 0.03, which is raised to the preceding 0.04."""
    assert significance.holm([0.03, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert significance.holm([0.5, 0.9, 0.6]) == [1, 1, 1]
    assert significance.holm([0.2]) == [0.2]
    assert significance.holm([]) == []
