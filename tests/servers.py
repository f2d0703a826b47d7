"""A real MLflow server, for the tests that need one of their own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def mlflow_server(folder: Path, port: int | None = None) -> Iterator[str]:
    """The URI of an MLflow server on SQLite, with its database and artifacts in `folder`."""
    port = port or free_port()
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder / 'server.db'}"),
        *("--artifacts-destination", str(folder / "artifacts")),
        *("--host", "127.0.0.1", "--port", str(port)),
    ]
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    with (folder / "server.log").open("a") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    uri = f"http://127.0.0.1:{port}"
    try:
        wait_until_healthy(uri, process)
        yield uri
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def wait_until_healthy(uri: str, process: "subprocess.Popen[bytes]") -> None:
    """Return once the server answers; AssertionError if it ends before, or takes two minutes."""
    for _ in range(240):
        assert process.poll() is None, "the server has ended; server.log says why"
        try:
            with urllib.request.urlopen(f"{uri}/health", timeout=1):  # noqa: S310
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError("the server does not answer")
