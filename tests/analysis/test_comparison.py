"""Test the report that compares two models."""

from pathlib import Path

import numpy as np
import pandas as pd
from analysis.sides import cells, report, results

from softmax.analysis import comparison


def test_identical_results_are_reported_as_identical() -> None:
    shown = comparison.markdown(results(), results(name="two"))
    assert shown.splitlines() == [
        "# one → two",
        "",
        "**All results are the same, byte for byte.**",
        "",
        "Test accuracy **60.00% → 60.00%**: the same test images are correct, 6 of 10.",
        "",
        "## What changed",
        "",
        "Unchanged: params, data, code.",
    ]


def test_the_report_lists_only_changes() -> None:
    shown = report(
        params={"train.epochs": 2, "train.rate": 0.5},
        data={Path("data/other/images"): "abcdefghij"},
        code={Path("softmax/core/model.py"): "bbb"},
        metrics={"test_accuracy": 0.6, "test_total": 8166, "train_loss": 1 / 3},
        classes=pd.DataFrame({"recall": [0.5, 0.75], "f1": [0.5, 0.6]}, ["cat", "dog"]),
    )
    assert cells(shown) == [
        ["param", "before", "after"],
        ["`train.rate`", "-", "0.5"],
        ["data, by MD5", "before", "after"],
        ["`data/mnist/images`", "0123456", "-"],
        ["`data/other/images`", "-", "abcdefg"],
        ["metric", "before", "after", "change"],
        ["`test_total`", "10", "8166", "+8156"],
        ["`train_loss`", "-", "0.333333", "-"],
        ["class", "recall", "F1"],
        ["dog", "70.00% → 75.00% (+5.00)", "60.00% → 60.00% (+0.00)"],
    ]
    assert "Code: `softmax/core/model.py`." in shown
    assert "Unchanged" not in shown
    assert "byte for byte" not in shown


def test_classes_are_compared_by_name() -> None:
    """Expect the images of common classes first, then those of classes that only one model has."""
    classes = pd.DataFrame({"recall": [0.9, 0.8, 0.7], "f1": 0.6}, ["@owl", "dog", "cat"])
    before = results(tiles=np.array([3, 1])[:, None, None] * np.ones((2, 28, 28)))
    changed = results(classes=classes, tiles=np.arange(3)[:, None, None] * np.ones((3, 28, 28)))
    shown = comparison.markdown(before, changed)
    assert cells(shown)[1:] == [
        ["cat", "50.00% → 70.00% (+20.00)", "50.00% → 60.00% (+10.00)"],
        ["dog", "70.00% → 80.00% (+10.00)", "60.00% → 60.00% (+0.00)"],
        ["@<!---->owl", "- → 90.00%", "- → 60.00%"],
    ]
    assert "no test can tell progress" in shown  # because the labels mean different classes
    assert "of both models come first: cat, dog. The" in shown
    assert "follow: none (before), @<!---->owl (after)." in shown
    assert "The difference has a separate scale, up to 1." in shown
    same = results(tiles=np.array([2, 1])[:, None, None] * np.ones((2, 28, 28)))
    figures = comparison.weight_images(before, changed)
    assert figures["difference.png"] == comparison.weight_images(before, same)["difference.png"]
    assert figures["after.png"] != comparison.weight_images(before, same)["after.png"]
    for other in (classes[:1], classes):  # no class in common, or images of a different shape
        tiles = np.ones((len(other), 28, 28 * len(other)))
        assert comparison.weight_images(before, results(classes=other, tiles=tiles)) == {}


def test_the_chart_shows_the_epochs_of_both_models() -> None:
    longer = pd.Series([3.0, 2.0, 0.0], [0.25, 1.25, 5.0])
    shown = report(tiles=np.ones((2, 28, 28)), losses=longer)
    assert 'x-axis "epoch" 0.5 --> 2\n' in shown
    before, after = (
        [float(y) for y in line.strip()[6:-1].split(",")]
        for line in shown.splitlines()
        if line.startswith("  line")
    )
    assert (before[0], before[-1]) == (2.0, 1.0)
    assert (after[0], after[-1]) == (2.75, 1.6)


def test_there_is_no_chart_without_common_epochs() -> None:
    tiles = np.ones((2, 28, 28))
    for losses in (pd.Series([], [], dtype=float), pd.Series([1.0, 1.0], [2.0, 3.0])):
        shown = report(tiles=tiles, losses=losses)
        assert "mermaid" not in shown
        assert "compare/difference.png" in shown


def test_before_and_after_share_a_scale_and_the_difference_has_its_own() -> None:
    weak, strong = np.full((2, 28, 28), 0.1), np.full((2, 28, 28), 1.0)
    figures = comparison.weight_images(results(tiles=weak), results(tiles=strong))
    assert figures["before.png"] != figures["after.png"]
    assert figures["difference.png"] == figures["after.png"]
