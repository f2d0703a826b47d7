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


@pytest.mark.parametrize("rest", ["", "schema: '2", "schema: '2.0'\nstages:\n  download:\n    cm"])
def test_a_lock_that_a_kill_tore_is_taken_from_git(team: Clone, rest: str) -> None:
    lock = team.folder / "dvc.lock"
    whole = lock.read_text()
    lock.write_text(rest)
    assert "dvc.lock" in team.attempt("dvc", "repro").stderr
    assert "dvc.lock was torn" in team.attempt("python", "-m", "tools.repro").stderr
    assert lock.read_text() == whole
    assert team.run("git", "status", "--porcelain") == ""


def test_a_lock_in_a_merge_stays(team: Clone) -> None:
    lock = team.folder / "dvc.lock"
    whole = lock.read_text()
    lock.write_text(f"<<<<<<< ours\n{whole}=======\n{whole}>>>>>>> theirs\n")
    merging = lock.read_text()
    assert team.attempt("python", "-m", "tools.repro").returncode != 0
    assert lock.read_text() == merging
    lock.write_text(whole)
