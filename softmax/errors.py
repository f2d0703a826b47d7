"""Define errors that a user can fix, and print them without a traceback."""

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
    """An error that a user can fix. Its message states the place, the problem and the remedy."""

    remedy: ClassVar[str] = ""  # appended to every message of the class


class ParamsError(SoftmaxError):
    """params.yaml, or a value given to a sweep, is invalid."""


class EnvironmentVariableError(SoftmaxError):
    """An environment variable is invalid."""


class SourceError(SoftmaxError):
    """A data source cannot be reached, or its files have different hashes than datasets.yaml."""


class DataError(SoftmaxError):
    """An input file is missing or invalid."""


class FormatError(DataError):
    """A file of images, labels or weights is missing or invalid."""

    remedy = "Run `dvc repro`."


class RangeError(SoftmaxError):
    """A value left the range in which sums are exact."""

    remedy = "Lower the learning rate or raise the weight decay."


class DeviceError(SoftmaxError):
    """Matrix products on this device are not exact."""


class WorkerError(SoftmaxError):
    """Workers cannot start, or cannot continue to train together."""


class TrackingError(SoftmaxError):
    """MLflow cannot be reached, or outputs that a run needs are missing."""


MAX_LINE = 500  # characters
DELAY = 10  # seconds that the other workers wait while the first one prints the error

SECRETS = (  # patterns of user names, passwords and tokens in addresses, and what replaces them
    (re.compile(r"\b((?!file|sqlite)[\w+.-]+://)\S*@"), r"\1"),  # a password may contain / and @
    (re.compile(r"\b([\w+.-]+://[^\s?#]*)[?#][^\s:]*"), r"\1"),
    (re.compile(r"(?<!\S)[^\s/:@]+:\S*@(?=[\w.-]+:)"), ""),
)
OPTIONAL = ("torch", "torchvision")  # requirements-cpu.txt does not install them
LIBRARIES = ("git", "scmrepo", "dvc", "_pygit2")  # whose errors are mostly about the repository
GIT_FAULTS = {  # keyed by a part of git's message, or by the class of a library's error
    "not a git repository": ("not a git repository", "Run `git init`, then commit."),
    "Needed a single revision": (
        "a git repository without a commit",
        "Run `git add --all && git commit`.",
    ),
    "dubious ownership": (
        "a git repository that belongs to another user",
        "Run `git config --global --add safe.directory {}`.",
    ),
    "InvalidGitRepositoryError": (
        "a subdirectory of a larger git repository",
        "Clone the project into a separate repository to use this command.",
    ),
}


def shown(text: object) -> str:
    """Return `text` without passwords and control characters, with lines cut to MAX_LINE."""
    text = str(text)
    for secret, rest in SECRETS:
        text = secret.sub(rest, text)
    lines = ("".join(c if c.isprintable() else "\ufffd" for c in line) for line in text.split("\n"))
    return "\n".join(line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]} ..." for line in lines)


def exits_cleanly(main: Callable[[], None]) -> Callable[[], None]:
    """Wrap `main`: print errors that a user can fix without a traceback, and exit with status 2.

    If all workers of a machine raise the same SoftmaxError, only the first worker prints it. The
    others wait, and torchrun ends them.
    """

    @functools.wraps(main)
    def wrapper() -> None:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # if a terminal accepts only ASCII
        try:
            main()
            sys.stdout.flush()
        except BrokenPipeError:  # the reader, such as `head`, closed the pipe
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(128 + signal.SIGPIPE)
        except KeyboardInterrupt as error:
            sys.exit(128 + next(iter(error.args), signal.SIGINT))
        except Exception as error:
            if isinstance(error, SoftmaxError) and os.environ.get("LOCAL_RANK", "0") != "0":
                time.sleep(DELAY)
            if not (message := _explained(error)):
                raise
            from tqdm import tqdm  # slow to import, and needed only here

            tqdm.write(f"error: {message}", file=sys.stderr)  # above any progress bar
            sys.exit(2)

    return wrapper


def _explained(error: Exception) -> str:
    """Return the message if a user can fix the error, else ""."""
    if isinstance(error, OSError) and error.filename:
        problem = f"{error.filename}: {error.strerror}"
        error = SoftmaxError(f"{problem}. Check the path, its permissions and the free disk space.")
    if isinstance(error, SoftmaxError | OSError):
        return shown(error) + (f". {remedy}" if (remedy := getattr(error, "remedy", "")) else "")
    if isinstance(error, KeyError) and "getpwuid" in str(error):
        return "USER: not set, and this user has no account. Set it to any name."
    if isinstance(error, ModuleNotFoundError) and error.name in OPTIONAL:
        return f"{error.name}: not installed here. Run `uv pip install -r requirements.txt`."
    if (library := type(error).__module__.partition(".")[0]) not in LIBRARIES:
        return ""
    git = ["git", "rev-parse", "--verify", "HEAD"]
    environment = os.environ | {"LC_ALL": "C"}  # git's messages in English
    done = subprocess.run(git, capture_output=True, text=True, check=False, env=environment)
    for fault, (problem, remedy) in GIT_FAULTS.items():
        if fault in done.stderr + type(error).__name__:
            return shown(f"{Path.cwd()}: {problem}. {remedy.format(Path.cwd())}")
    return shown(f"{library}: {' '.join(str(error).split())}")
