"""Train models in groups that share batches. Several threads train groups in parallel."""

import functools
import math
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from softmax.core import arrays, batches, model
from softmax.core.batches import Dataset
from softmax.errors import RangeError
from softmax.pipeline import datasets, files, paths
from softmax.pipeline.params import Params, Train
from softmax.sweep.compiled import CompiledTrainer
from softmax.training import fitting, scoring
from softmax.training.fitting import Epoch, Trainer
from softmax.training.scoring import Score
from softmax.training.state import Hyperparameters

MAX_GROUP_SIZE = 16  # maximum number of models in a group; more would not fit in the CPU's cache


class Outcome(NamedTuple):
    """The outputs for one model, or why training failed, and its start and end (time.time())."""

    outputs: Mapping[Path, bytes]
    failure: str
    started: float
    ended: float


def plan(config: Sequence[Train], threads: int) -> list[list[int]]:
    """Divide the configurations into groups, and return the indices in `config` of each group.

    Models of a group share batches, optimizer and schedule. Groups are small enough to keep all
    `threads` busy. Models that differ only in averaging are neighbors, because they share steps.
    """
    size = min(MAX_GROUP_SIZE, math.ceil(len(config) / threads))
    sharing: dict[tuple[int | str, ...], list[int]] = {}
    rates = attrgetter("learning_rate", "momentum", "weight_decay")
    for number in sorted(range(len(config)), key=lambda number: rates(config[number])):
        chosen = config[number]
        key = (chosen.seed, chosen.batch_size, chosen.epochs, chosen.validation)
        sharing.setdefault((*key, chosen.optimizer, chosen.schedule), []).append(number)
    return [
        numbers[start : start + size]
        for numbers in sharing.values()
        for start in range(0, len(numbers), size)
    ]


@contextmanager
def running(
    config: Sequence[Params], device: str, threads: int, after: int | None = None
) -> Iterator[Iterator[dict[int, Outcome]]]:
    """Train all configurations in `threads` threads, and yield the outcomes of each group by index.

    The caller can log during training, because the loops release the GIL. Training stops after
    `after` epochs, or after the current ones if the block ends early.
    """
    stop = threading.Event()
    with ThreadPoolExecutor(threads) as pool:
        training = {
            pool.submit(train, [config[number] for number in numbers], device, stop, after): numbers
            for numbers in plan([params.train for params in config], threads)
        }
        try:
            yield (
                dict(zip(training[future], future.result(), strict=True))
                for future in as_completed(training)
            )
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)


def train(
    config: Sequence[Params], device: str, stop: threading.Event, after: int | None = None
) -> list[Outcome]:
    """Train and test a group on `device`, "cpu" or "cuda". Return [] if `stop` is set meanwhile."""
    started = time.time()
    training, test = sets(config[0].download.dataset, device)
    kept, validation_set = training.split(config[0].train.validation)
    models = [Hyperparameters(**p.train.model_dump(exclude={"validation"})) for p in config]
    histories: list[list[Epoch]] = [[] for _ in config]
    thetas: dict[int, np.ndarray] = {}  # only of the last epoch, because all could fill the memory
    failures: dict[int, str] = {}
    trainer = (CompiledTrainer if isinstance(kept.images, np.ndarray) else Trainer)(kept, models)
    for epochs in islice(fitting.fit_together(trainer, validation_set), after):
        if stop.is_set():
            return []
        for k, epoch in enumerate(epochs):
            if isinstance(epoch, RangeError):
                failures.setdefault(k, str(epoch))
                thetas.pop(k, None)
            elif k not in failures:
                thetas[k] = epoch.theta
                histories[k].append(epoch._replace(theta=np.empty(0)))
    outputs: dict[int, Mapping[Path, bytes]] = {}
    if thetas:
        xp, stacked = arrays.namespace(test.images), np.stack(list(thetas.values()))
        stacked = xp.asarray(stacked, device=test.images.device)
        for k, sums in zip(thetas, trainer.sums(stacked, test).T, strict=True):
            try:
                score = scoring.from_sums(sums, len(test.labels))
                outputs[k] = _outputs(histories[k], thetas[k], score)
            except RangeError as error:
                failures[k] = str(error)
    times = (started, time.time())
    return [Outcome(outputs.get(k, {}), failures.get(k, ""), *times) for k in range(len(config))]


def _outputs(epochs: list[Epoch], theta: np.ndarray, test: Score) -> dict[Path, bytes]:
    """Return the outputs of stages train and evaluate, except predictions and snapshots."""
    metrics = {"accuracy": test.accuracy, "loss": test.loss, "total": test.total}
    return {
        paths.WEIGHTS: model.to_bytes(theta),
        paths.LOSSES: files.to_csv(fitting.losses(epochs)),
        paths.EPOCHS: files.to_csv(fitting.scores(epochs)),
        paths.TRAIN_METRICS: files.to_json(fitting.metrics(epochs[-1])),
        paths.TEST_METRICS: files.to_json(metrics),
    }


@functools.cache
def sets(dataset: str, device: str) -> tuple[Dataset, Dataset]:
    """Return the training and the test set, cached. Raise DataError if a SHA-256 differs."""
    training, test = datasets.training(dataset), datasets.test(dataset)
    return batches.load(*training).to(device), batches.load(*test).to(device)
