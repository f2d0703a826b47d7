"""README.md is short, and its commands run as they stand, in a fresh shell, one after another."""

import re
import shutil
import subprocess
from pathlib import Path

from clones import Clone
from shared import ROOT

TEXT = (ROOT / "README.md").read_text()
LATER = {"make test", "make verify"}  # which take minutes; .ci/run has them


def commands() -> list[str]:
    """What a reader pastes: indented lines, without their comments."""
    lines = re.findall(r"^    (.+)$", TEXT, re.MULTILINE)
    return [line.split("#")[0].strip() for line in lines]


def test_it_fits_in_150_lines() -> None:
    assert len(TEXT.splitlines()) <= 150


def test_its_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#]*)(?:#[\w-]+)?\)", page.read_text()):
            assert link.startswith("http") or (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_tests_that_the_docs_name_exist() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "dvc.yaml"]:
        for name in re.findall(r"tests/[\w/]+\.(?:py|yaml)", page.read_text()):
            assert (ROOT / name).exists(), f"{page.name}: {name}"


def test_ci_runs_what_takes_minutes() -> None:
    assert set(commands()) >= LATER
    script = (ROOT / ".ci/run").read_text() + (ROOT / "Makefile").read_text()
    assert "make verify" in script
    assert re.search("^GATES := .*test", script, re.MULTILINE)


def test_its_commands_run_as_they_stand(pipeline: Clone, tmp_path: Path) -> None:
    clone = Clone.copy(pipeline.folder, tmp_path / "clone")
    fresh = clone.give_environment()
    done = subprocess.run(
        [str(shutil.which("sh")), "-e"],
        input="\n".join(line for line in commands() if line not in LATER),
        cwd=clone.folder,
        env=clone.environment | fresh,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "84.61% of 10,000 test images right (the lecture: 84.77%)\n" in done.stdout
    assert "0.9" in done.stdout
    assert clone.run("git", "status", "--porcelain") == ""
    assert "up to date" in clone.run("dvc", "status")
