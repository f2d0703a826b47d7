"""Open MLflow's UI where the runs are compared."""

import os
import socket
import subprocess
import sys
import tempfile
import time

from softmax.errors import SettingError, TrackingError
from softmax.pipeline import params
from softmax.tracking import store, views

LATEST = 100  # runs whose params are compared; with more the links would come late
SETTINGS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # which needs processes of its own


def run(port: int) -> None:
    """Print where the runs of the data set are, and serve them if nobody else does."""
    name, uri = store.experiment_name(params.load()), store.uri()
    if store.is_served(uri):
        print(prepare_links(uri, name))
        return
    if listens(port):
        raise SettingError(f"port {port} of 127.0.0.1 is taken. Choose another one with --port.")
    serve(uri, port, prepare_links(f"http://127.0.0.1:{port}", name))


def prepare_links(address: str, name: str) -> str:
    """Set the columns of the table of an experiment, and return the links to print.

    Raises TrackingError if the store cannot be read.
    """
    with store.clear_errors():
        client = store.connect()
        found = store.experiment(client, name)
        rows = [run.data.params for run in client.search_runs([found], max_results=LATEST)]
        client.set_experiment_tag(found, views.TAG, views.table(rows))
    return views.links(address, found)


def listens(port: int) -> bool:
    """Return whether somebody listens at `port` of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def serve(uri: str, port: int, links: str) -> None:
    """Serve the store at `uri`, and print `links` once the server listens.

    Raises TrackingError if it ends before. The server ends with this process.
    """
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--port", str(port)]
    command += ["--backend-store-uri", uri, "--serve-artifacts"]
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            command, env=os.environ | SETTINGS, stdout=log, stderr=subprocess.STDOUT
        ) as server,
    ):
        try:
            while server.poll() is None and not listens(port):
                time.sleep(0.1)
            if server.returncode is None:
                print(f"{links}\nCtrl-C ends it", flush=True)
                server.wait()
                return
        finally:
            server.terminate()
        log.seek(0)
        raise TrackingError(f"MLflow's UI did not start: {(log.readlines() or ['?'])[-1].strip()}")
