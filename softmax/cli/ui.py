"""Start MLflow's UI, and print links to a table and to charts that compare the runs."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from softmax.errors import SoftmaxError, TrackingError
from softmax.pipeline import params
from softmax.tracking import store, views

LATEST = 100  # runs whose params choose the columns; more runs would delay the links
SETTINGS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # jobs would start more processes
EXPERIMENT = "SOFTMAX_EXPERIMENT"  # the variable that passes the id to `app`
PLUGIN = Path(__file__).with_name("plugin")  # its entry point makes MLflow call `app`
SHORT = {name: f"{{}}/{name}" for name in views.PAGES}  # short addresses, which `app` adds
# MLflow's assistant opens over the charts unless this key is in the browser's local storage.
PAGE = """<!doctype html><title>MLflow</title><script>
localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true")
location.replace("{}")</script>"""


def run(port: int) -> None:
    """Print links to the runs of the data set, and start a server unless the store is on one."""
    name, uri = store.experiment_name(params.load()), store.uri()
    if store.is_served(uri):
        print(prepare_links(uri, name, views.PAGES))
        return
    if listens(port):
        raise SoftmaxError(f"port {port} of 127.0.0.1 is in use. Choose a different --port.")
    serve(uri, port, prepare_links(f"http://127.0.0.1:{port}", name, SHORT))


def prepare_links(address: str, name: str, pages: Mapping[str, str]) -> str:
    """Set the columns and charts of an experiment, and return the links to print.

    Raise TrackingError if the store cannot be read.
    """
    with store.clear_errors():
        client = store.connect()
        found = os.environ[EXPERIMENT] = store.experiment(client, name)
        runs = [run.data.params for run in client.search_runs([found], max_results=LATEST)]
        client.set_experiment_tag(found, views.TAG, views.table(runs))
    return "\n".join(f"{key:8}{page.format(address, found)}" for key, page in pages.items())


def app() -> Any:
    """Return MLflow's application, with a short address added for each page."""
    from mlflow.server import app as pages
    from mlflow.server.fastapi_app import app

    for name, page in views.PAGES.items():
        html = PAGE.format(page.format("", os.environ[EXPERIMENT]))
        pages.add_url_rule(f"/{name}", name, partial(str, html))
    return app


def listens(port: int) -> bool:
    """Tell whether a process listens on `port` of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def serve(uri: str, port: int, links: str) -> None:
    """Serve the store at `uri`, and print `links` once the server listens.

    Wait until the server ends, and stop it on Ctrl-C. Raise TrackingError if it does not start.
    """
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--port", str(port)]
    command += ["--backend-store-uri", uri, "--serve-artifacts", "--app-name", "softmax"]
    path = {"PYTHONPATH": f"{PLUGIN}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            command, env=os.environ | SETTINGS | path, stdout=log, stderr=subprocess.STDOUT
        ) as server,
    ):
        try:
            while server.poll() is None and not listens(port):
                time.sleep(0.1)
            if server.returncode is None:
                print(f"{links}\nPress Ctrl-C to stop the server.", flush=True)
                server.wait()
                return
        except KeyboardInterrupt as error:
            if error.args:  # SIGTERM
                raise
            return
        finally:
            server.terminate()
        log.seek(0)
        last = (log.readlines() or ["no output"])[-1].strip().rstrip(".")
        remedy = f"Run `{' '.join(command)}` to see all output."
        raise TrackingError(f"MLflow's UI did not start: {last}. {remedy}")
