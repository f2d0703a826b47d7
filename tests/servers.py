"""MLflow's stores and servers."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import requests
from mlflow import MlflowClient
from shared import forking, once

STARTUP = 60  # seconds


def migrate(folder: Path) -> None:
    """Make an empty MLflow store, which takes seconds."""
    MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")


def empty_store(path: Path) -> str:
    """The URI of an empty MLflow store at `path`, a copy of one that was made before."""
    return f"sqlite:///{shutil.copy(once('store', migrate) / 'mlflow.db', path)}"


@contextmanager
def serve(folder: Path, *options: str, **environment: str) -> Iterator[str]:
    """The URI of an MLflow server, once it answers; in the end no process of it is left."""
    port = free_port()
    here = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            ["python", "-m", "mlflow", "server", *options, *here],
            cwd=folder,
            env={**forking(), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        uri = f"http://127.0.0.1:{port}"
        wait_for(f"{uri}/health", process, folder / "log")
        yield uri
    finally:
        workers = re.findall(r"Started server process \[(\d+)\]", (folder / "log").read_text())
        with suppress(ProcessLookupError):  # where it ended by itself
            os.killpg(process.pid, signal.SIGKILL)
            for worker in workers:  # a fork of a fork is of no group of ours
                os.kill(int(worker), signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """A port of 127.0.0.1 at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when `url` answers; AssertionError with the log where it does not."""
    end = time.monotonic() + STARTUP
    while process.poll() is None and time.monotonic() < end:
        with suppress(requests.RequestException):
            requests.get(url, timeout=1).raise_for_status()
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text())
