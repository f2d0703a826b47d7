"""Test that `softmax sweep` resumes after a kill, and that DVC trains the same best model."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from helpers.clones import digits_clone
from helpers.stores import NOWHERE

from softmax.pipeline import files, paths
from softmax.sweep import model_cache


def test_a_killed_sweep_resumes_and_dvc_trains_the_best_model(tmp_path: Path) -> None:
    """Kill the sweep when its first model is cached."""
    clone = digits_clone(tmp_path / "clone")
    clone.environment |= {"WORKERS": "1", "MLFLOW_TRACKING_URI": NOWHERE}
    chosen = ("train.learning_rate=0.004,0.1", "train.seed=range(1,5)", "train.validation=20")

    def models() -> dict[str, int]:
        """Return the time at which each model was cached, in ns, by the name of its directory."""
        found = (clone.directory / model_cache.CACHE_DIRECTORY).glob("?" * 64)
        return {path.name: path.stat().st_mtime_ns for path in found}

    with subprocess.Popen(
        ["python", "-m", "softmax", "sweep", *chosen],
        cwd=clone.directory,
        env=clone.environment,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as sweep:
        while not models():
            assert sweep.poll() is None
            time.sleep(0.001)
        os.killpg(sweep.pid, signal.SIGKILL)
    kept = models()
    assert kept

    done = clone.softmax("sweep", *chosen)
    assert len(models()) == 8, done.stderr
    assert kept.items() <= models().items()
    weights = re.search(r"weights with SHA-256 (\w+)", done.stdout)
    best = re.search(r"dvc exp run .*", done.stdout)
    assert weights
    assert best
    clone.run(*best[0].split())
    assert files.sha256(clone.directory / paths.WEIGHTS).startswith(weights[1])
