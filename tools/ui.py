"""Open MLflow's UI where the runs are compared. Not a stage of DVC.

python -m tools.ui PORT    # on 127.0.0.1, unless MLFLOW_TRACKING_URI is a server that runs already
"""

import argparse
import subprocess
import sys

from softmax.errors import exits_cleanly
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
    with store.clear_errors():
        client = store.connect()
        experiment = store.experiment(client, events.experiment_name(params.load()))
    uri = client.tracking_uri
    served = store.is_served(uri)
    print(COMPARISON.format(uri if served else f"http://127.0.0.1:{port}", experiment), flush=True)
    if not served:
        ui = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--port", str(port)]
        subprocess.run(ui, check=False)


if __name__ == "__main__":
    main()
