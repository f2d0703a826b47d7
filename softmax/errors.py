"""Errors that a user can fix, each in one line, and how a stage ends on them."""

import functools
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar


class SoftmaxError(Exception):
    """An error that a user can fix; its message names the place, the problem and the remedy."""

    remedy: ClassVar[str] = ""  # what to do, where it is the same for all errors of a class


class ParamsError(SoftmaxError):
    """params.yaml holds something that the pipeline does not understand."""


class SettingError(SoftmaxError):
    """An environment variable holds something that the pipeline does not understand."""


class SourceError(SoftmaxError):
    """A data source cannot be reached or does not hold the pinned bytes."""


class DataError(SoftmaxError):
    """An input file is missing or has invalid content."""


class FormatError(DataError):
    """A file of images, labels or weights is missing or has invalid content."""

    remedy = "Run `dvc repro`."


class RangeError(SoftmaxError):
    """A value left the range in which sums are exact."""

    remedy = "Lower the learning rate or raise the weight decay."


class DeviceError(SoftmaxError):
    """This machine does not compute exactly."""


class WorkerError(SoftmaxError):
    """The workers that train together cannot continue."""


class TrackingError(SoftmaxError):
    """MLflow cannot be reached, or outputs that a run needs are missing."""


MAX_LINE = 500  # characters
DELAY = 10  # seconds that other workers leave to the first one to print the error

SECRETS = (  # user names, passwords and tokens in addresses
    (re.compile(r"\b((?!file|sqlite)[\w+.-]+://)\S*@"), r"\1"),  # a password may hold / and @
    (re.compile(r"\b([\w+.-]+://[^\s?#]*)[?#][^\s:]*"), r"\1"),
    (re.compile(r"(?<!\S)[^\s/:@]+:\S*@(?=[\w.-]+:)"), ""),
)
NOT_EVERYWHERE = ("torch", "torchvision")  # requirements-cpu.txt leaves them out
LIBRARIES = ("git", "scmrepo", "dvc", "_pygit2")
GIT_FAULTS = {  # by git's message, or by the class of a library's error
    "not a git repository": ("no git repository", "Run `git init`, and commit."),
    "Needed a single revision": (
        "a git repository without a commit",
        "Run `git add --all && git commit`.",
    ),
    "dubious ownership": (
        "a git repository of another user",
        "Run `git config --global --add safe.directory {}`.",
    ),
    "InvalidGitRepositoryError": (
        "a directory of a larger git repository",
        "For this command, clone the project into a repository of its own.",
    ),
}


def shown(text: object) -> str:
    """Return `text` without passwords and control characters, its lines cut to MAX_LINE."""
    text = str(text)
    for secret, rest in SECRETS:
        text = secret.sub(rest, text)
    lines = ("".join(c if c.isprintable() else "\ufffd" for c in line) for line in text.split("\n"))
    return "\n".join(line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]} ..." for line in lines)


def exits_cleanly(main: Callable[[], None]) -> Callable[[], None]:
    """Turn a SoftmaxError or OSError from `main` into a line on stderr and exit status 2.

    If workers that train together on a machine all raise the same SoftmaxError, only the first one
    prints it. The others wait until torchrun ends them.
    """

    @functools.wraps(main)
    def wrapper() -> None:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # for terminals with only ASCII
        try:
            main()
            sys.stdout.flush()
        except BrokenPipeError:  # a reader such as `head` has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(128 + signal.SIGPIPE)
        except KeyboardInterrupt as error:
            sys.exit(128 + next(iter(error.args), signal.SIGINT))
        except Exception as error:
            if isinstance(error, SoftmaxError) and os.environ.get("LOCAL_RANK", "0") != "0":
                time.sleep(DELAY)
            if not (told := _explained(error)):
                raise
            from tqdm import tqdm  # only where there is something to say

            tqdm.write(f"error: {told}", file=sys.stderr)  # not into a progress bar
            sys.exit(2)

    return wrapper


def _explained(error: Exception) -> str:
    """Return in one line what a user can fix, or this machine lacks; "" for any other error."""
    if isinstance(error, SoftmaxError | OSError):
        return shown(error) + (f". {remedy}" if (remedy := getattr(error, "remedy", "")) else "")
    if isinstance(error, KeyError) and "getpwuid" in str(error):
        return "USER: not set, and this user has no account. Set it to any name."
    if isinstance(error, ModuleNotFoundError) and error.name in NOT_EVERYWHERE:
        return f"{error.name}: not installed here. Run `uv pip install -r requirements.txt`."
    if type(error).__module__.partition(".")[0] not in LIBRARIES:
        return ""
    git = ["git", "rev-parse", "--verify", "HEAD"]
    environment = os.environ | {"LC_ALL": "C"}
    said = subprocess.run(git, capture_output=True, text=True, check=False, env=environment).stderr
    said += type(error).__name__
    for fault, (problem, remedy) in GIT_FAULTS.items():
        if fault in said:
            return shown(f"{Path.cwd()}: {problem}. {remedy.format(Path.cwd())}")
    return shown(f"{type(error).__module__.partition('.')[0]}: {' '.join(str(error).split())}")
