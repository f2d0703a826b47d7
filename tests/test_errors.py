"""What people see of an error."""

import os
import signal
import subprocess
import sys
import time

import pytest
from shared import ROOT

from softmax.errors import LONGEST, shown

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


@pytest.mark.parametrize("text", ADDRESSES)
def test_no_password_is_shown(text: str) -> None:
    assert shown(text) == ADDRESSES[text]


def test_no_control_characters_are_shown() -> None:
    assert shown("a key\x1b[2J\r\u202e") == "a key\ufffd[2J\ufffd\ufffd"


def test_no_line_is_without_end() -> None:
    assert len(shown("x" * 10**6 + "\nmore")) < LONGEST + 20


@pytest.mark.parametrize("seconds", [0.2, 0.5, 1.0])
def test_ctrl_c_leaves_no_traceback_while_a_stage_is_imported(seconds: float) -> None:
    """Whenever it comes; the process is a real one, which imports torch for longer."""
    stage = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "stages.lesson"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": ""},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert stage.stderr
    while "stages" not in stage.stderr.readline():
        assert stage.poll() is None
    time.sleep(seconds)
    stage.send_signal(signal.SIGINT)
    assert "Traceback" not in stage.communicate()[1]
    assert stage.returncode in (-signal.SIGINT, 130)
