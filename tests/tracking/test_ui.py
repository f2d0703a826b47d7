"""`make ui` leads to the runs, side by side."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from helpers.rows import NAME
from helpers.shared import ROOT
from helpers.stores import STARTUP, empty_store, free_port, wait_for
from helpers.workspace import Workspace, error
from playwright.sync_api import Browser, expect

from softmax.errors import TrackingError
from softmax.tracking import views
from tools import ui


def test_a_port_that_is_taken_is_one_line(workspace: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        printed = workspace.tool("ui", port)
    assert error(printed) == f"port {port} of 127.0.0.1 is taken; say `make ui PORT=...`"
    assert printed.out == ""
