"""Measure how time and memory grow with samples, pixels, classes, models and workers.

The images are random, with a fifth of their pixels not 0, in a file that is mapped into memory.
Workers train on MNIST. Each training is one epoch with its score, in a separate process. Its memory
includes the mapped pages.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml
from tabulate import tabulate
from tqdm import tqdm

from benchmarks.shared import LECTURE, PARAMS
from softmax.core.batches import Dataset
from softmax.pipeline import datasets
from softmax.training import fitting, launcher

MIB = 2**20
PIECE = 1000  # images, which come again and again


class Size(NamedTuple):
    samples: int = 15_000
    pixels: int = 784
    classes: int = 10
    settings: int = 0  # of a sweep, in compiled loops; 0: one model on arrays


SIZES = {
    "samples": (15_000, 60_000, 240_000, 960_000),
    "pixels": (196, 784, 3136, 12_544),
    "classes": (10, 40, 160, 640),
    "settings": (1, 4, 16, 64),
}
WORKERS = [2**k for k in range(launcher.cpus().bit_length())]  # up to the CPUs that are here
BATCHES = (64, 512, 1024, 8192)  # images; an epoch of each has MNIST once


def train(size: Size) -> tuple[float, float]:
    """Return the seconds of an epoch of this size, and its peak memory above the start in MiB.

    Runs in a separate process.
    """
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "images"
        random = np.random.default_rng(0)
        images = random.integers(1, 256, (PIECE, size.pixels), np.uint8)
        images[random.random(images.shape) > 0.2] = 0
        with path.open("wb") as file:
            for _ in range(size.samples // PIECE):
                file.write(images.tobytes())
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            return process.submit(_train, path, size).result()


def _train(path: Path, size: Size) -> tuple[float, float]:
    images = np.asarray(np.memmap(path, np.uint8, mode="c", shape=(size.samples, size.pixels)))
    labels = (np.arange(size.samples) % size.classes).astype(np.uint16)
    kept, validation_set = Dataset(images, labels, size.classes).split(0)
    hyperparameters = LECTURE._replace(epochs=1)

    def sweep(settings: int) -> None:
        from softmax.sweep.compiled import CompiledTrainer
        from softmax.sweep.passes import TOGETHER

        for first in range(0, settings, TOGETHER):
            recipes = [hyperparameters] * min(TOGETHER, settings - first)
            list(fitting.fit_together(CompiledTrainer(kept, recipes), validation_set))

    if size.settings:
        sweep(1)  # which compiles
    before, start = peak_memory(), time.perf_counter()
    if size.settings:
        sweep(size.settings)
    else:
        list(fitting.fit(kept, validation_set, hyperparameters))
    return time.perf_counter() - start, (peak_memory() - before) / MIB


def peak_memory() -> int:
    """Return the peak memory of this process in bytes, with mapped files."""
    status = Path("/proc/self/status")
    if not status.exists():  # as on macOS
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # On Linux getrusage counts the process that started this one, too.
    return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024


def share(count: int, batch_size: int) -> float:
    """Return the seconds of stage train with `count` workers: MNIST, 20 epochs, with the start."""
    with tempfile.TemporaryDirectory() as directory:
        for name in ("datasets.yaml", "data"):
            (Path(directory) / name).symlink_to(Path(name).absolute())
        values = yaml.safe_load(PARAMS.read_text())
        values["train"] |= {"batch_size": batch_size, "epochs": 20}
        (Path(directory) / "params.yaml").write_text(yaml.safe_dump(values))
        environment = {"PYTHONPATH": str(Path.cwd()), "WORKERS": str(count), "DEVICE": "cpu"}
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "stages.train"],
            cwd=directory,
            env=os.environ | environment | {"MLFLOW_TRACKING_URI": f"sqlite:///{directory}/db"},
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - start


def exponent(counts: Sequence[int], values: Sequence[float]) -> float | None:
    """Return the exponent of the best-fitting power of the count, by least squares of logarithms.

    None if a value is 0: a small training may need no additional memory.
    """
    if min(values) == 0:
        return None
    return float(np.polyfit(np.log(counts), np.log(values), 1)[0])


def report() -> str:
    """Return a Markdown table with a row for each quantity that grows."""
    datasets.verified("mnist", datasets.training_files("mnist"))
    rows = []
    for name, counts in tqdm(SIZES.items(), desc="growth"):
        costs = [train(Size()._replace(**{name: count})) for count in counts]
        seconds, mib = zip(*costs, strict=True)
        row = [name, joined(counts, ","), joined(seconds, ".2f"), exponent(counts, seconds)]
        rows.append([*row, joined(mib, ".0f"), exponent(counts, mib)])
    head = ["what grows", "from, to", "seconds", "exponent", "MiB above the start", "exponent"]
    grown = tabulate(rows, head, tablefmt="github", floatfmt=".2f")
    head = ["20 epochs, batches of", *(f"{count} workers [s]" for count in WORKERS)]
    rows = [[size, *(share(count, size) for count in WORKERS)] for size in tqdm(BATCHES)]
    return f"{grown}\n\n{tabulate(rows, head, tablefmt='github', floatfmt='.1f')}"


def joined(values: Sequence[float], form: str) -> str:
    return ", ".join(format(value, form) for value in values)
