"""docs/survival.md keeps a long run of every kind, in which nothing was lost."""

import re

from tally import HEADING, KINDS, PAGE, name


def test_the_last_long_run_lost_nothing() -> None:
    intro, last = PAGE.read_text().split(HEADING)
    rows = re.findall(r"^\| ([a-z ]+) \| ([^|]+) \| ([\d,]+) \| (\d+) \|", last, re.MULTILINE)
    assert {kind for kind, _, _, _ in rows} == {name(stem) for stem in KINDS}
    assert {lost for _, _, _, lost in rows} == {"0"}
    tried = {what: int(count.replace(",", "")) for _, what, count, _ in rows}
    assert sum(tried.values()) > 1_000_000
    for stem in KINDS:
        assert f"| {name(stem)} | " in intro
