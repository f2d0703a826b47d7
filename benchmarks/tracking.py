"""What does tracking add to a stage?

    python -m benchmarks.tracking

Each stage runs in turns without MLflow, with a SQLite store that has been used before, and with a
server on 127.0.0.1, each time as a process of its own. Prints the median seconds, what tracking
adds, and what the process that logs spends its time on. Needs a pipeline that has run.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from typing import Any

import pandas as pd
import urllib3

from benchmarks.shared import in_turns
from softmax.pipeline import datasets
from softmax.tracking import store as mlflow_store

TURNS = 5
PORT = 5099
TIMES = {"started": time.time(), "ended": time.time()}
STAGES: dict[str, dict[str, Any]] = {  # with what each tells MLflow besides its settings
    "download": {"source": "benchmark", **TIMES},
    "train": {"device": "cpu", "workers": 1, **TIMES},
    "evaluate": {},
    "export": {},
    "lesson": TIMES,
    "report": {},
}
WITH = "from stages import {stage}; {stage}.main()"
WITHOUT = f"""
from softmax.pipeline import recorder
recorder.log = recorder.Recorder.__init__ = recorder.Recorder.log = lambda *_, **__: None
{WITH}
"""
SHARES = """
import gc, json, time
laps, start = {{}}, time.perf_counter()
def lap(name):
    global start
    laps[name], start = time.perf_counter() - start, time.perf_counter()
from softmax.pipeline import params
from softmax.tracking import recording, registry, store
gc.disable()
lap("import of softmax")
import mlflow
lap("import of mlflow")
client = store.connect()
lap("opening the store")
save = registry._save_model
def timed(*arguments):
    began = time.perf_counter()
    save(*arguments)
    laps["writing the model"] = time.perf_counter() - began
registry._save_model = timed
recording.STAGES["{stage}"](client, params.load(), **{details})
lap("requests")
laps["requests"] -= laps.get("writing the model", 0)
print(json.dumps(laps))
"""


def run(program: str, uri: str) -> str:
    """Run `program` with this store, and return what it prints."""
    mirror = {"MNIST_MIRROR": str(datasets.directory("mnist"))}
    environment = os.environ | mirror | {"MLFLOW_TRACKING_URI": uri, "DEVICE": "cpu"}
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    ).stdout


def measure(stores: dict[str, str]) -> None:
    """Print what each store adds to each stage, and what it spends its time on."""
    ways = {}
    for stage in STAGES:
        ways[stage, ""] = partial(run, WITHOUT.format(stage=stage), "")
        for name, uri in stores.items():
            ways[stage, name] = partial(run, WITH.format(stage=stage), uri)
    seconds, _ = in_turns(ways, TURNS, "tracking")
    medians = {key: statistics.median(values) for key, values in seconds.items()}
    for stage in STAGES:
        least = medians[stage, ""]
        added = ", ".join(f"{name} adds {medians[stage, name] - least:.2f} s" for name in stores)
        print(f"{stage}: {least:.2f} s without MLflow; {added}")
    for name, uri in stores.items():
        for stage, details in STAGES.items():
            program = SHARES.format(stage=stage, details=details)
            laps = pd.DataFrame(
                [json.loads(run(program, uri).splitlines()[-1]) for _ in range(TURNS)]
            )
            parts = ", ".join(f"{lap} {value:.2f}" for lap, value in laps.median().items())
            print(f"{stage}, {name}: {parts}")


def main() -> None:
    """Measure with stores in a temporary folder."""
    mlflow_store.ask_this_machine_directly()
    with tempfile.TemporaryDirectory() as directory:
        served = f"http://127.0.0.1:{PORT}"
        store = ["--backend-store-uri", f"sqlite:///{directory}/served.db", "--port", str(PORT)]
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *store, "--workers", "1"],
            cwd=directory,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            patience = urllib3.Retry(100, backoff_factor=1, backoff_max=0.5)
            urllib3.request("GET", f"{served}/health", retries=patience)
            stores = {"SQLite": f"sqlite:///{directory}/mlflow.db", "a server": served}
            for uri in stores.values():
                run(WITH.format(stage="train"), uri)
            measure(stores)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
