"""Open MLflow's UI where the runs are compared."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress

import requests

from softmax.errors import SettingError, TrackingError
from softmax.pipeline import params
from softmax.tracking import store, views

LATEST = 100  # runs whose params are compared; with more the links would come late
SETTINGS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # which needs processes of its own


def run(port: int) -> None:
    """Print where the runs of the data set are, and serve them if nobody else does."""
    name = store.experiment_name(params.load())
    uri = store.uri()
    if store.is_served(uri):
        with store.clear_errors():
            client = store.connect()
            found = store.experiment(client, name)
            rows = [run.data.params for run in store.search(client, found, "")]
            client.set_experiment_tag(found, views.TAG, views.table(rows))
            print(views.links(uri, found))
        return
    check_free(port)
    with store.clear_errors():
        store.connect()  # makes the store under a lock, or a stage might do so, too
    serve(uri, port, name)


def check_free(port: int) -> None:
    """Raise SettingError if somebody listens at `port` already."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise SettingError(
                f"port {port} of 127.0.0.1 is taken. Choose another one with --port."
            )


def serve(uri: str, port: int, name: str) -> None:
    """Serve the store at `uri`, and print the links to an experiment once that answers.

    Raises TrackingError if it ends before, or cannot read the store. The server ends with this
    process, also of SIGTERM.
    """
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--port", str(port)]
    command += ["--backend-store-uri", uri, "--serve-artifacts"]
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            command, env=os.environ | SETTINGS, stdout=log, stderr=subprocess.STDOUT
        ) as server,
    ):
        try:
            while server.poll() is None and not (links := links_to(name, address)):
                time.sleep(0.1)
            if server.returncode is None:
                print(f"{links}\nCtrl-C ends it", flush=True)
                server.wait()
                return
        finally:
            server.terminate()
        log.seek(0)
        raise TrackingError(f"MLflow's UI did not start: {(log.readlines() or ['?'])[-1].strip()}")


def links_to(name: str, address: str) -> str:
    """Where the runs of an experiment are compared; the server's own page before there are any.

    Empty until the server at `address` answers. MLflow's client would take seconds to import.
    Raises TrackingError if it cannot read the store.
    """
    api = f"{address}/api/2.0/mlflow"
    with suppress(requests.RequestException):
        reply = requests.get(
            f"{api}/experiments/get-by-name", params={"experiment_name": name}, timeout=60
        )
        if reply.ok:
            found = reply.json()["experiment"]["experiment_id"]
            query = {"experiment_ids": [found], "max_results": LATEST}
            runs = (
                requests.post(f"{api}/runs/search", json=query, timeout=60).json().get("runs", [])
            )
            rows = [{p["key"]: p["value"] for p in run["data"].get("params", [])} for run in runs]
            tag = {"experiment_id": found, "key": views.TAG, "value": views.table(rows)}
            requests.post(f"{api}/experiments/set-experiment-tag", json=tag, timeout=60)
            return views.links(address, found)
        if reply.status_code == requests.codes.not_found:
            return address
        is_said = "json" in reply.headers["Content-Type"]
        reason = reply.json()["message"] if is_said else reply.reason
        raise TrackingError(f"MLflow's UI cannot read the store: {reason}")
    return ""
