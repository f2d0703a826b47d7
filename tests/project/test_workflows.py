"""Test that hosted CI is valid by the vendors' schemas, pins actions, and has few permissions."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from helpers.clones import OURS
from helpers.shared import ROOT

from softmax.analysis import comparison

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
JOBS = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
FILES = [(path, "vendor.github-workflows") for path in WORKFLOWS]
FILES += [(ROOT / ".gitlab-ci.yml", "vendor.gitlab-ci")]


@pytest.mark.parametrize(("path", "schema"), FILES)
def test_workflows_match_their_schema(path: Path, schema: str) -> None:
    """Use the schemas that check-jsonschema contains."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    if "gitlab" in schema:
        command += ["--data-transform", "gitlab-ci"]
    done = subprocess.run([*command, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", WORKFLOWS)
def test_actions_are_pinned_by_commit_and_name_their_version(path: Path) -> None:
    uses = re.findall(r"uses: (.*)", path.read_text())
    assert uses
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use) for use in uses)
    assert len({use.split("@")[0] for use in uses}) == len(set(uses))  # one version each


@pytest.mark.parametrize("path", WORKFLOWS)
def test_only_a_job_without_project_code_has_write_permission(path: Path) -> None:
    assert "pull_request_target" not in path.read_text()
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        if "permissions" in job:
            assert job["permissions"] == {"pull-requests": "write"}
            assert "head.repo.full_name == github.repository" in job["if"]
            assert "checkout" not in str(job["steps"])
            assert "make" not in str(job["steps"])
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")  # so text from an event is never executed
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False


def test_make_targets_named_in_ci_and_docs_exist() -> None:
    def called(text: str) -> set[str]:
        calls = re.findall(r"\bmake ((?:[a-z-]+\b(?!=) ?)+)", re.sub("#.*", "", text))
        return {target for call in calls for target in call.split()}

    ci = "".join(path.read_text() for path, _ in FILES) + (ROOT / ".ci/run").read_text()
    assert {"ci", "repro", "verify"} <= called(ci)
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    text = "\n".join(page.read_text() for page in pages)
    code = re.findall(r"^```.*?^```|`make [^`]+`", text, re.MULTILINE | re.DOTALL)
    known = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert called(ci) | called("\n".join(code)) <= {*known}


@pytest.mark.parametrize(
    ("failing", "line"),
    [
        ("none", "all passed: lint types test-all lock-current lock-reproducible"),
        ("*/ruff*", "error: failed: lint"),
        ("*checks*", "error: failed: lock-current lock-reproducible"),
    ],
)
def test_make_ci_runs_every_check_and_names_the_failed_ones(
    failing: str, line: str, tmp_path: Path
) -> None:
    programs = tmp_path / ".venv/bin"
    programs.mkdir(parents=True)
    for name in ("ruff", "lint-imports", "mypy", "pytest", "python"):
        program = programs / name
        program.write_text(f'#!/bin/sh\ncase "$0 $*" in {failing}) exit 1;; esac\n')
        program.chmod(0o755)
    for path in (ROOT / "Makefile", *ROOT.glob("requirements*.txt")):
        shutil.copy2(path, tmp_path)
    for name in ("installed", "dev"):  # newer than the requirements, so make installs nothing
        (tmp_path / ".venv" / name).touch()

    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    done = subprocess.run(
        ["make", "ci"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert line in (done.stdout + done.stderr).splitlines()
    assert (done.returncode == 0) == (failing == "none")
    assert all(check in done.stdout for check in ("ruff format", "checks current"))


def test_a_ci_comment_links_the_images_that_it_cannot_show(tmp_path: Path) -> None:
    step = JOBS["comment"]["steps"][-1]
    (tmp_path / "compare.md").write_text(comparison.FIGURES.format(largest=1, order=""))
    gh = tmp_path / "gh"
    gh.write_text('#!/bin/sh\nfor file; do :; done; cat "$file"\n')  # the last argument
    gh.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "NUMBER": "1", "GITHUB_REPOSITORY": "a/b", "PICTURES": "https://a"}
    comment = subprocess.check_output(
        ["bash", "-e", "-c", step["run"]], cwd=tmp_path, env=environment, text=True
    )
    assert "![" not in comment
    assert "The images are in [this archive](https://a).\n" in comment
    assert set(environment) - {"PATH", "GITHUB_REPOSITORY"} <= set(step["env"])
