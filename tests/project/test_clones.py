"""Test that clones contain the working tree, including uncommitted changes."""

from pathlib import Path

from helpers.clones import build_repository, git


def test_a_clone_includes_edited_and_untracked_but_no_ignored_files(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    for name in ("edited", "deleted"):
        (tmp_path / name).write_text("committed")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "Start")
    (tmp_path / ".gitignore").write_text("ignored\nclone\n")
    for name in ("edited", "package/untracked", "ignored"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("later")
    (tmp_path / "deleted").unlink()
    build_repository(tmp_path / "clone", tmp_path)
    names = git(tmp_path / "clone", "ls-files").split()
    assert names == [".gitignore", "edited", "package/untracked"]
    assert (tmp_path / "clone/edited").read_text() == "later"
