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
from pathlib import Path
from typing import Any

import requests
from tqdm import tqdm

from softmax.pipeline import datasets, proxies

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
WITHOUT = """
from softmax.pipeline import recorder
recorder.log = recorder.Recorder.__init__ = recorder.Recorder.log = lambda *_, **__: None
from stages import {stage}
{stage}.main()
"""
SHARES = """
import gc, json, time
laps, start = {{}}, time.perf_counter()
def lap(name):
    global start
    laps[name], start = time.perf_counter() - start, time.perf_counter()
from softmax.pipeline import params
from softmax.tracking import recording
from softmax.tracking import registry
from softmax.tracking import store
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


def run(program: str, uri: str) -> tuple[float, str]:
    """Seconds that the program took, and the last line that it printed."""
    start = time.perf_counter()
    mirror = {"MNIST_MIRROR": str(datasets.directory("mnist"))}
    environment = os.environ | mirror | {"MLFLOW_TRACKING_URI": uri, "DEVICE": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True
    )
    return time.perf_counter() - start, done.stdout.splitlines()[-1] if done.stdout else ""


def measure(stores: dict[str, str]) -> None:
    """Print the table, a turn at a time so that a slow minute of the machine is everybody's."""
    ways = {"without": ""} | stores
    seconds: dict[tuple[str, str], list[float]] = {}
    for _ in tqdm(range(TURNS), desc="turns"):
        for stage in STAGES:
            for way, uri in ways.items():
                program = (
                    WITHOUT if way == "without" else "from stages import {stage}\n{stage}.main()"
                )
                taken, _ = run(program.format(stage=stage), uri)
                seconds.setdefault((stage, way), []).append(taken)
    for stage in STAGES:
        medians = {way: statistics.median(seconds[stage, way]) for way in ways}
        added = ", ".join(f"{way} adds {medians[way] - medians['without']:.2f} s" for way in stores)
        print(f"{stage}: {medians['without']:.2f} s without MLflow; {added}")
    for way, uri in stores.items():
        for stage, details in STAGES.items():
            program = SHARES.format(stage=stage, details=details)
            laps = [json.loads(run(program, uri)[1]) for _ in range(TURNS)]
            shares = {name: statistics.median(lap[name] for lap in laps) for name in laps[0]}
            parts = ", ".join(f"{name} {value:.2f}" for name, value in shares.items())
            print(f"{stage}, {way}: {parts}")


def main() -> None:
    """Measure with stores in a temporary folder."""
    proxies.bypass_for_loopback()
    with tempfile.TemporaryDirectory() as folder:
        store = ["--backend-store-uri", f"sqlite:///{folder}/served.db", "--port", str(PORT)]
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *store, "--workers", "1"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stores = {
            "SQLite": f"sqlite:///{Path(folder) / 'mlflow.db'}",
            "a server": f"http://127.0.0.1:{PORT}",
        }
        try:
            while True:
                try:
                    requests.get(f"{stores['a server']}/health", timeout=1)
                    break
                except requests.RequestException:
                    time.sleep(0.5)
            for uri in stores.values():
                run("from stages import train; train.main()", uri)
            measure(stores)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
