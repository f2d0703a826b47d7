"""Measure how time and memory scale with images, pixels, classes, configurations and workers.

Each measurement trains for one epoch and scores the model, in a separate process. The images are
random, a fifth of their pixels are nonzero, and their file is mapped into memory. Memory includes
the mapped pages. The measurement of workers trains on MNIST for 20 epochs instead.
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

from benchmarks.shared import LECTURE, PARAMS, groups
from softmax.core.batches import Dataset
from softmax.pipeline import datasets
from softmax.training import fitting, launcher

PIECE = 1000  # different images, which the file repeats


class Size(NamedTuple):
    images: int = 15_000
    pixels: int = 784
    classes: int = 10
    configurations: int = 0  # trained in compiled loops; 0 means one model, trained on arrays


SIZES = {
    "images": (15_000, 60_000, 240_000, 960_000),
    "pixels": (196, 784, 3136, 12_544),
    "classes": (10, 40, 160, 640),
    "configurations": (1, 4, 16, 64),
}
WORKERS = [2**k for k in range(launcher.cpus().bit_length())]  # 1, 2, 4, ... up to all CPUs
BATCHES = (64, 512, 1024, 8192)  # images per batch, with workers


def train(size: Size) -> tuple[float, float]:
    """Return the seconds of an epoch and the peak memory that it adds, in MiB."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "images"
        random = np.random.default_rng(0)
        images = random.integers(1, 256, (PIECE, size.pixels), np.uint8)
        images[random.random(images.shape) > 0.2] = 0
        with path.open("wb") as file:
            for _ in range(size.images // PIECE):
                file.write(images.tobytes())
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            return process.submit(_train, path, size).result()


def _train(path: Path, size: Size) -> tuple[float, float]:
    images = np.asarray(np.memmap(path, np.uint8, mode="c", shape=(size.images, size.pixels)))
    labels = (np.arange(size.images) % size.classes).astype(np.uint16)
    kept, validation_set = Dataset(images, labels, size.classes).split(0)

    def sweep(count: int) -> None:
        from softmax.sweep.compiled import CompiledTrainer

        for configurations in groups(count):
            list(fitting.fit_together(CompiledTrainer(kept, configurations), validation_set))

    if size.configurations:
        sweep(1)  # compile the loops before the measurement
    before, start = peak_memory(), time.perf_counter()
    if size.configurations:
        sweep(size.configurations)
    else:
        list(fitting.fit(kept, validation_set, LECTURE._replace(epochs=1)))
    return time.perf_counter() - start, (peak_memory() - before) / 2**20


def peak_memory() -> int:
    """Return the peak memory of this process in bytes, including mapped files."""
    status = Path("/proc/self/status")
    if not status.exists():  # on macOS
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # On Linux, getrusage includes the peak of the process that started this one.
    return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024


def train_with_workers(count: int, batch_size: int) -> float:
    """Return the seconds that stage train with `count` workers takes for 20 epochs on MNIST."""
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
    """Return e of the power law c * count**e that fits best, by least squares of the logarithms.

    Return None if a value is 0, because a small training run may need no additional memory.
    """
    if min(values) == 0:
        return None
    return float(np.polyfit(np.log(counts), np.log(values), 1)[0])


def report() -> str:
    """Return two Markdown tables: one for the variables in SIZES, and one for workers."""
    datasets.verified("mnist", datasets.training_files("mnist"))
    rows = []
    for name, counts in tqdm(SIZES.items(), desc="scaling"):
        costs = [train(Size()._replace(**{name: count})) for count in counts]
        seconds, mib = zip(*costs, strict=True)
        row = [name, joined(counts, ","), joined(seconds, ".2f"), exponent(counts, seconds)]
        rows.append([*row, joined(mib, ".1f"), exponent(counts, mib)])
    head = ["variable", "values", "seconds", "exponent", "additional MiB", "exponent"]
    sizes = tabulate(rows, head, tablefmt="github", floatfmt=".2f")
    head = ["batch size, 20 epochs", *(f"workers: {count} [s]" for count in WORKERS)]
    rows = [[n, *(train_with_workers(count, n) for count in WORKERS)] for n in tqdm(BATCHES)]
    return f"{sizes}\n\n{tabulate(rows, head, tablefmt='github', floatfmt='.1f')}"


def joined(values: Sequence[float], form: str) -> str:
    return ", ".join(format(value, form) for value in values)
