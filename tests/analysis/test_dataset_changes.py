"""Test the description of changes between two versions of a data set."""

import pytest
from analysis.sides import cells, version

from softmax.analysis.dataset_changes import ROWS, Version, describe

BEFORE = version("AABCD", "aaabc")
EXPECTED = {
    "Test set: the same 5 images and labels.": version("AABCD", "aaabc"),
    "Test set: the same 5 images and labels, in a different order.": version("ADCAB", "acbaa"),
    "5 images and labels. The classes are in a different order.": version("AABCD", "aaabc", "cba"),
    "Test set: 5 → 4 images, 1 removed.": version("ABCD", "aabc"),
    "Test set: 5 images, 1 added, 1 removed.": version("ABBCD", "aaabc"),
    "Test set: 5 images, 2 with a different label.": version("AABCD", "abcbc"),
    "a different label. Classes added: x. Classes dropped: b.": version("AABCD", "aaaxc", "axc"),
    "Images moved from one set to the other: 5.": Version([*"abc"], *BEFORE[:0:-1]),
    "had 1 x 1 pixels and have 5 x 1 now, so none can be matched.": BEFORE._replace(
        training=(BEFORE.test[0].reshape(1, 5, 1), BEFORE.test[1][:1])
    ),
}


@pytest.mark.parametrize("output", EXPECTED)
def test_the_first_line_counts_the_changes(output: str) -> None:
    assert describe(BEFORE, EXPECTED[output]).splitlines()[0].endswith(output)


def test_the_table_lists_the_classes_that_changed_most() -> None:
    page = describe(BEFORE, version("AABEF", "a|a||", "ac|")).replace("\\|", "/")
    relabeled = [f"relabeled {word} this class" for word in ("to", "from")]
    assert cells(page) == [
        ["class", "training", "test", "added", "removed", *relabeled],
        ["a", "0 → 0", "3 → 2", "0", "0", "0", "1"],
        ["b", "0 → -", "1 → -", "0", "1", "0", "0"],
        ["c", "0 → 0", "1 → 0", "0", "1", "0", "0"],
        ["/", "- → 0", "- → 3", "2", "0", "1", "0"],
    ]
    names = "".join(map(chr, range(1000, 1100)))
    page = describe(version("AB", names[::99], names), version("AC", names[::99], names[::99]))
    assert " and 78 more.\n" in page
    assert len(cells(page)) == 1 + ROWS
    assert cells(page)[-1][0] == names[99]  # its image was removed
    assert page.endswith("Classes with fewer changes, not shown: 79.")
