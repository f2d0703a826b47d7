"""`make sweep` that is killed and goes on, and its best model, which DVC trains."""

import hashlib
import os
import re
import signal
import subprocess
import time

import pytest
from helpers.clones import BIN
from helpers.shared import ROOT

from softmax.pipeline import paths
from softmax.sweep import shelf

NOWHERE = "http://127.0.0.1:9"  # so that the time is not MLflow's


@pytest.mark.usefixtures("workspace")
def test_a_sweep_that_is_killed_goes_on_and_dvc_trains_its_best() -> None:
    """Kill it after the first of four passes."""
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    environment = {
        **os.environ,
        "PATH": path,
        "PYTHONPATH": str(ROOT),
        "WORKERS": "1",
        "MLFLOW_TRACKING_URI": NOWHERE,
    }
    make = ["make", "--file", str(ROOT / "Makefile"), "--old-file", ".venv/installed"]
    chosen = "S=train.learning_rate=0.004,0.1 train.seed=range(1,5) train.validation=20"
    command = [*make, f"BIN={BIN}", "sweep", chosen]
    with subprocess.Popen(
        command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True
    ) as sweep:
        while not models():
            assert sweep.poll() is None
            time.sleep(0.001)
        os.killpg(sweep.pid, signal.SIGKILL)
    kept = models()
    assert kept

    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert len(models()) == 8
    assert kept.items() <= models().items()
    weights = re.search(r"with weights (\w+)", done.stdout)
    best = re.search(r"dvc exp run .*", done.stdout)
    assert weights
    assert best
    subprocess.run(best[0].split(), env=environment, check=True, stdout=subprocess.DEVNULL)
    trained = hashlib.sha256(paths.WEIGHTS.read_bytes()).hexdigest()
    assert trained.startswith(weights[1])


def models() -> dict[str, int]:
    """Return when each model was put on the shelf."""
    return {path.name: path.stat().st_mtime_ns for path in shelf.PLACE.glob("?" * 64)}
