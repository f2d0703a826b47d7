"""Make MLflow stores, and run MLflow servers."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from helpers.shared import once

STARTUP = 60  # seconds until a server must respond
NOWHERE = "http://127.0.0.1:9"  # nothing listens there


def migrate(directory: Path) -> None:
    """Make an empty MLflow store in `directory`, which takes seconds."""
    from mlflow import MlflowClient

    MlflowClient(f"sqlite:///{directory / 'mlflow.db'}")


def empty_store(path: Path) -> str:
    """Copy an empty MLflow store to `path` and return its URI."""
    return f"sqlite:///{shutil.copy(once('store', migrate) / 'mlflow.db', path)}"


@contextmanager
def serve(directory: Path, *options: str, **environment: str) -> Iterator[str]:
    """Start an MLflow server and yield its URI."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "mlflow", "server", *options]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    environment = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **environment}
    with answering(f"{address}/health", directory, command, environment):
        yield address


@contextmanager
def answering(
    url: str, directory: Path, command: Sequence[str], environment: dict[str, str]
) -> Iterator[None]:
    """Run a server and wait until `url` responds. At the end, kill all its processes."""
    import requests

    file, end = directory / "log", time.monotonic() + STARTUP
    with file.open("w") as log:
        places = {"cwd": directory, "env": os.environ | environment, "stdout": log, "stderr": log}
        process = subprocess.Popen(command, **places, start_new_session=True)  # type: ignore[call-overload]
    try:
        while process.poll() is None and time.monotonic() < end:
            with suppress(requests.RequestException):
                requests.get(url, timeout=1).raise_for_status()
                break
            time.sleep(0.2)
        else:
            raise AssertionError(file.read_text())
        yield
        assert process.poll() is None
    finally:
        with suppress(ProcessLookupError):  # the server may have ended
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """Return a free port of 127.0.0.1."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
