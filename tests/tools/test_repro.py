"""`make repro` goes on where DVC alone cannot."""

import pytest
from clones import Clone


@pytest.mark.parametrize("rest", ["", '{"write": {"da'])
def test_notes_that_a_kill_tore_are_removed(team: Clone, rest: str) -> None:
    notes = team.folder / ".dvc/tmp/rwlock"
    notes.write_text(rest)
    assert "JSON structure is corrupted" in team.attempt("dvc", "repro").stderr
    team.run("python", "-m", "tools.repro")
    assert team.run("dvc", "status") == "Data and pipelines are up to date.\n"


def test_other_notes_stay(team: Clone) -> None:
    notes = team.folder / ".dvc/tmp/rwlock"
    notes.write_text('{"read": {}, "write": {"/no/such": {"pid": 1, "cmd": "dvc"}}}')
    team.run("python", "-m", "tools.repro")
    assert "/no/such" in notes.read_text()
    notes.unlink()
