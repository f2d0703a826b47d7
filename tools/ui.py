"""Open MLflow's UI where the runs are compared.

python -m tools.ui PORT    # on 127.0.0.1, unless MLFLOW_TRACKING_URI is a server that runs already
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress

import requests

from softmax.errors import SettingError, TrackingError, exits_cleanly
from softmax.pipeline import params
from softmax.tracking import events, store

# MLflow opens in its view for language models, without a chart
COMPARISON = "{}/#/experiments/{}/runs?workflowType=machine_learning&compareRunsMode=CHART"


@exits_cleanly
def main() -> None:
    """Say where the runs of the data set are, and serve them if nobody else does."""
    parser = argparse.ArgumentParser(prog="tools.ui")
    parser.add_argument("port", type=int)
    port = parser.parse_args().port
    served = store.is_served(os.environ.get("MLFLOW_TRACKING_URI", ""))
    if not served:
        check_free(port)
    with store.clear_errors():
        client = store.connect()
        experiment = store.experiment(client, events.experiment_name(params.load()))
    if served:
        print(COMPARISON.format(client.tracking_uri, experiment))
    else:
        serve(client.tracking_uri, port, experiment)


def check_free(port: int) -> None:
    """Raise SettingError if somebody listens at `port` already."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise SettingError(f"port {port} of 127.0.0.1 is taken; say `make ui PORT=...`")


def serve(uri: str, port: int, experiment: str) -> None:
    """Serve the store at `uri`, and print the link once that answers; TrackingError if it ends."""
    address = f"http://127.0.0.1:{port}"
    ui = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--port", str(port)]
    # one person looks at it, and nothing here runs MLflow's jobs
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            [*ui, "--workers", "1"], env=environment, stdout=log, stderr=subprocess.STDOUT
        ) as server,
    ):
        while server.poll() is None and not answers(f"{address}/health"):
            time.sleep(0.1)
        if server.returncode is None:
            print(COMPARISON.format(address, experiment), flush=True)
            print("Ctrl-C ends it", flush=True)
            server.wait()
        else:
            log.seek(0)
            raise TrackingError(
                f"MLflow's UI did not start: {(log.readlines() or ['?'])[-1].strip()}"
            )


def answers(url: str) -> bool:
    """Whether a server does."""
    with suppress(requests.RequestException):
        return requests.get(url, timeout=1).ok
    return False


if __name__ == "__main__":
    main()
