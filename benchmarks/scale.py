"""Do memory and time stay in proportion when the training set grows?

    python -m benchmarks.scale

Trains one epoch, with a score at its end, on 60 thousand, 600 thousand and 6 million images: MNIST
and its shifts by whole pixels, in files of up to 4.7 GB in the temporary folder. Each runs in a
process of its own, in which Linux counts the pages of mapped files too. Needs data/mnist.
"""

import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from benchmarks.settings import LECTURE
from softmax.core import data
from softmax.pipeline import catalog
from softmax.training import fitting

COUNTS = (60_000, 600_000, 6_000_000)
MIB = 2**20


class Cost(NamedTuple):
    """Seconds of an epoch, and bytes of memory at the peak and before the data were opened."""

    seconds: float
    peak: int
    before: int


def grow(folder: Path, count: int) -> None:
    """Write a training set of `count` images into `folder`: the shifts of MNIST, one by one."""
    original = data.load(*catalog.training_files("mnist"))
    paths = [folder / path for path in catalog.training_files("mnist")]
    paths[0].parent.mkdir(parents=True)
    with paths[0].open("wb") as images, paths[1].open("wb") as labels:
        images.write(np.array([0x0803, count, 28, 28], ">u4").tobytes())
        labels.write(np.array([0x0801, count], ">u4").tobytes())
        for start in tqdm(range(0, count, len(original.labels)), desc=f"{count:,}", disable=None):
            part = slice(0, count - start)
            shift = start // len(original.labels)
            images.write(np.roll(original.images[part], shift, axis=1).tobytes())
            labels.write(original.labels[part].tobytes())


def train(folder: Path) -> Cost:
    """Train an epoch on the training set in `folder`, in a process of its own."""
    spawn = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as process:
        return process.submit(_train, folder).result()


def _train(folder: Path) -> Cost:
    os.chdir(folder)
    before, start = peak_memory(), time.perf_counter()
    kept, held_out = data.load(*catalog.training_files("mnist")).split(0)
    params = LECTURE._replace(epochs=1)
    list(fitting.fit(kept, held_out, params))
    return Cost(time.perf_counter() - start, peak_memory(), before)


def peak_memory() -> int:
    """Bytes that this process has had in memory at most, mapped files included. Linux only."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def main() -> None:
    """Print a row for each size."""
    print("   images  s/million images  peak above start [MiB]")
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as name:
            grow(Path(name), count)
            cost = train(Path(name))
        million = cost.seconds * 1e6 / count
        print(f"{count:9,}  {million:16.2f}  {(cost.peak - cost.before) / MIB:22.1f}")


if __name__ == "__main__":
    main()
