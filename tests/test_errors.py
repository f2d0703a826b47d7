"""Test the messages and exit statuses of errors."""

import signal
import subprocess
import sys

import pytest

from softmax.errors import MAX_LINE, DataError, exits_cleanly, shown

ADDRESSES = {
    "http://me:secret@host/set": "http://host/set",
    "https://me:sec/r@et@host:8/set: not found": "https://host:8/set: not found",
    "https://host/set?token=secret": "https://host/set",
    "https://host/set?token=secret: HTTP 500": "https://host/set: HTTP 500",
    "HTTP://secret@host/#secret": "HTTP://host/",
    "me:secret@host:set": "host:set",
    "postgresql+psycopg2://me:secret@host/mlflow": "postgresql+psycopg2://host/mlflow",
    "no source:\nhttp://me:secret@a/: x\nhttp://b/: y": "no source:\nhttp://a/: x\nhttp://b/: y",
    "file:///home/me@work/set": "file:///home/me@work/set",
    "sqlite:////home/me@work/mlflow.db": "sqlite:////home/me@work/mlflow.db",
    "/home/me@work/set": "/home/me@work/set",
    "train.epochs = 'x' should be a whole number?": "train.epochs = 'x' should be a whole number?",
}
FULL = "error: a.csv: Full. Check the path, its permissions and the free disk space.\n"
NAMELESS = "error: USER: not set, and this user has no account. Set it to any name.\n"


@pytest.mark.parametrize("text", ADDRESSES)
def test_no_password_is_shown(text: str) -> None:
    assert shown(text) == ADDRESSES[text]


def test_messages_have_no_control_characters_and_a_bounded_length() -> None:
    assert shown("a key\x1b[2J\r\u202e") == "a key\ufffd[2J\ufffd\ufffd"
    assert len(shown("x" * 10**6 + "\nmore")) < MAX_LINE + 20


@pytest.mark.parametrize(
    ("error", "status", "output"),
    [
        (DataError("no file\x1b[2J"), "2", "error: no file\ufffd[2J\n"),
        (OSError("no space"), "2", "error: no space\n"),
        (OSError(28, "Full", "a.csv"), "2", FULL),
        (KeyboardInterrupt(), "130", ""),
        (KeyError("getpwuid(): uid not found: 1"), "2", NAMELESS),
    ],
)
def test_an_error_that_a_user_can_fix_is_printed_in_one_line(
    error: BaseException, status: str, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    @exits_cleanly
    def fail() -> None:
        raise error

    with pytest.raises(SystemExit, match=status):
        fail()
    assert capsys.readouterr().err == output


def test_a_closed_or_ascii_stdout_is_not_an_error() -> None:
    code = "from softmax.errors import exits_cleanly as e; e(lambda: print('→' * 10**6))()"
    command = f'PYTHONIOENCODING=ascii {sys.executable} -c "{code}" | head -c 6; exit $PIPESTATUS'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (r"\u2192", "")
    assert done.returncode == 128 + signal.SIGPIPE
