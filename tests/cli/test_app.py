"""Test the command line: help, invalid usage, and imports."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import pytest
from helpers.workspace import Workspace, error

from softmax.cli.app import data, program
from softmax.data import sources
from softmax.pipeline import datasets

TEST = datasets.test_files("digits")[0]
VALUE = r"\d+\.\d\d%|\b\d\.\d{4}\b"
SWEEP = "sweep train.learning_rate=0.1,0.2 train.validation=50"
COMMANDS = {**program.commands, **data.commands}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_has_help_with_an_example(name: str, workspace: Workspace) -> None:
    command = COMMANDS[name]
    words = f"data {name}" if name in data.commands else name
    printed = workspace.tool(words, "--help")
    assert printed.status == 0
    assert command.help
    options = [param for param in command.params if isinstance(param, click.Option)]
    assert all(option.help or option.show_default for option in options)
    example = f"Example: python -m softmax {words}"
    assert isinstance(command, click.Group) or example in printed.out


def test_help_imports_no_slow_library() -> None:
    program = "import sys; sys.argv[1:] = ['--help']; from softmax.cli.app import main; main(); "
    check = "print([x for x in ('numpy', 'dvc', 'mlflow', 'torch', 'pandas') if x in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program + check], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["compare"], "Missing argument 'BASE'"),
        (["data add", "mine"], "Missing argument 'SOURCE'"),
        (["data add", "mine", ".", "--size", "3"], "'3' should be rows and columns, such as 20x30"),
        (["ui", "--port", "70000"], "70000 is not in the range"),
        (["sweep", "x"], "sweep: x: no values. Use, for example, train.seed=0,1."),
        (["swep"], "No such command 'swep'"),
        (["predict", "a.png", "--rev", "HEAD", "--model", "x"], "Use only one."),
    ],
)
def test_invalid_usage_gives_one_line(words: list[str], reason: str, workspace: Workspace) -> None:
    assert reason in error(workspace.tool(*words))


def test_without_arguments_the_commands_are_listed(workspace: Workspace) -> None:
    printed = workspace.call("softmax.cli.app")
    assert printed.status == 2
    assert all(f"  {name} " in printed.err for name in program.commands)


@pytest.mark.end_to_end  # a second or more
@pytest.mark.parametrize("words", [SWEEP, "compare HEAD HEAD HEAD", f"predict {TEST}"])
def test_a_terminal_shows_all_values_and_the_best_in_bold(words: str, workspace: Workspace) -> None:
    values = {*re.findall(VALUE, workspace.tool(words).out)}
    workspace.monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    workspace.monkeypatch.setenv("TERM", "xterm")
    assert re.search(r"\x1b\[1m\d", workspace.tool(words).out)
    workspace.monkeypatch.setenv("NO_COLOR", "1")
    shown = workspace.tool(words).out
    assert {*re.findall(VALUE, shown)} == values != {*""}
    assert not {*"\x1b*…"} & {*shown}


def test_no_warning_is_printed_into_a_progress_bar(workspace: Workspace) -> None:
    workspace.monkeypatch.setattr("softmax.tracking.sweeps.Sweep.add", lambda *_: 1 / 0)
    workspace.monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    lines = re.split(r"[\r\n]", workspace.tool(SWEEP).err)
    assert [line[:9] for line in lines if "warning: " in line] == ["warning: "]


@pytest.mark.parametrize(
    "words", ["compare HEAD", "predict --rev HEAD a", "track --history", "resolve", "run"]
)
def test_a_missing_repository_or_commit_gives_one_line(words: str, workspace: Workspace) -> None:
    shutil.rmtree(".git")
    assert "not a git repository. Run `git init`" in error(workspace.tool(words))
    subprocess.run(["git", "init", "--quiet"], check=True)
    if words != "run":  # `run` needs no commit
        assert "commit" in error(workspace.tool(words))


@pytest.mark.parametrize("words", ["compare HEAD", "predict --rev HEAD a"])
@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("git update-index --split-index", "git update-index --no-split-index`"),
        ("mv .git ..", "workspace: a subdirectory of a larger git repository."),
        ("chown -R 4242 .", "Run `git config --global --add safe.directory"),
    ],
)
def test_an_unreadable_repository_gives_one_line(
    command: str, output: str, words: str, workspace: Workspace
) -> None:
    if subprocess.run(command.split(), check=False).returncode:
        pytest.skip("only root can change the owner of files")
    workspace.monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    assert output in error(workspace.tool(words))


def test_sigterm_removes_temporary_files(workspace: Workspace) -> None:
    (temporary := Path("temporary")).mkdir()
    workspace.monkeypatch.setattr(tempfile, "tempdir", "temporary")
    workspace.monkeypatch.setattr(sources, "keep", lambda _: signal.raise_signal(signal.SIGTERM))
    assert workspace.tool("data add mine data/digits").status == 128 + signal.SIGTERM
    assert not [*temporary.iterdir()]
