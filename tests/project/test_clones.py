"""The clones of the end-to-end tests are made from the working tree, committed or not."""

from pathlib import Path

from helpers.clones import Clone, build_repository, git


def test_a_clone_has_what_is_edited_and_untracked_and_not_what_is_ignored(tmp_path: Path) -> None:
    source, built = tmp_path / "source", tmp_path / "built"
    for directory in (source / "package", built):
        directory.mkdir(parents=True)
    for name in ("edited", "deleted", "package/module"):
        (source / name).write_text("committed")
    (source / ".gitignore").write_text("ignored\n")
    git(source, "init", "--quiet")
    git(source, "add", "--all")
    git(source, "commit", "--quiet", "--message", "Start")
    for name in ("edited", "untracked", "ignored"):
        (source / name).write_text("later")
    (source / "deleted").unlink()

    build_repository(built, source)
    clone = Clone(tmp_path / "clone", built)
    names = [".gitignore", "edited", "package/module", "untracked"]
    assert git(clone.directory, "ls-files").split() == names
    assert (clone.directory / "edited").read_text() == "later"
    assert not (clone.directory / "ignored").exists()
    assert git(clone.directory, "log", "--oneline").count("\n") == 1
