"""Test the table that compares one model with several others."""

from pathlib import Path
from typing import Any

import numpy as np
from analysis.sides import cells, results

from softmax.analysis import comparison


def sides(**changes: Any) -> Any:
    """Return a model that classifies 50 of 100 images correctly, with `changes`."""
    metrics = {"test_accuracy": 0.5, "test_loss": 1.23456, "test_total": 100}
    return results(**{"correct": np.arange(100) < 50, "metrics": metrics, **changes})


def rows(*heads: Any) -> list[dict[str, str]]:
    """Return the rows of the table, the base first, as dictionaries by column."""
    header, *lines = cells(comparison.overview(sides(), heads))
    return [dict(zip(header, line, strict=True)) for line in lines]


def better(by: int, **changes: Any) -> Any:
    """Return a model that classifies `by` more images correctly."""
    return sides(correct=np.arange(100) < 50 + by, **changes)


def test_a_significant_difference_may_be_noise_after_correction() -> None:
    """Improve six images and worsen none: p is 2 / 2^6 for one test, and twice that for two."""
    alone = rows(better(6))[1]
    assert (alone["points"], alone["p"]) == ("+6.00", "0.031")
    assert alone["verdict"] == "more than noise"
    _, first, second = rows(better(6), better(1))
    assert (first["p"], first["verdict"]) == ("0.062", "could well be noise")
    assert (second["points"], second["p"]) == ("+1.00", "1")


def test_untestable_comparisons_show_a_reason_and_do_not_count_in_the_correction() -> None:
    data, code = {Path("data/other"): "a"}, {Path("softmax/core/model.py"): "bbb"}
    elsewhere = better(6, test_data={"another"}, data=data, code=code)
    _, first, second, third = rows(elsewhere, better(6), sides())
    assert (first["verdict"], first["points"], first["p"]) == ("no shared test images", "-", "-")
    assert first["what differs"] == "data, code"
    assert second["p"] == "0.062"
    assert (third["verdict"], third["what differs"]) == ("no difference", "-")


def test_seeds_are_compared_if_both_models_have_them() -> None:
    assert "over seeds" not in rows(sides(), sides())[0]
    base = sides(by_seed={0: 0.80, 1: 0.81, 2: 0.82})
    heads = [sides(by_seed={0: 0.82, 1: 0.84, 2: 0.86}), sides(by_seed=base.by_seed), sides()]
    heads.append(heads[0]._replace(test_data={"another"}))
    shown = comparison.overview(base, heads)
    assert "| +3.00 (+0.52 to +5.48) over 3 seeds: more than noise |" in shown
    assert "| no difference over 3 seeds " in shown
    assert "\nfollowed by its 95% confidence interval (paired" in shown
    assert "| different test sets " in shown
