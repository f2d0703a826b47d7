"""MLflow stores and servers."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from helpers.shared import once

STARTUP = 60  # seconds


def migrate(directory: Path) -> None:
    """Make an empty MLflow store, which takes seconds."""
    from mlflow import MlflowClient

    MlflowClient(f"sqlite:///{directory / 'mlflow.db'}")


def empty_store(path: Path) -> str:
    """Copy an empty MLflow store to `path` and return its URI."""
    return f"sqlite:///{shutil.copy(once('store', migrate) / 'mlflow.db', path)}"


@contextmanager
def serve(directory: Path, *options: str, **environment: str) -> Iterator[str]:
    """Start an MLflow server and yield its URI once it answers; end all its processes."""
    port = free_port()
    address = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *options, *address],
            cwd=directory,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process, directory / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):  # it ended by itself
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when `url` answers; AssertionError with the log if it does not."""
    import requests

    end = time.monotonic() + STARTUP
    while process.poll() is None and time.monotonic() < end:
        with suppress(requests.RequestException):
            requests.get(url, timeout=1).raise_for_status()
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text())
