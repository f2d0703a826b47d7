"""Models that share the batches, trained together, pass by pass in many processes."""

import functools
import math
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

import numpy as np
import threadpoolctl

from softmax.core import arrays, data, model
from softmax.core.arrays import Array
from softmax.core.data import Dataset
from softmax.errors import RangeError, WorkerError
from softmax.pipeline import catalog, files, paths
from softmax.pipeline.params import Params, Train
from softmax.sweep import compiled
from softmax.sweep.compiled import CompiledDescent
from softmax.training import fitting, history, scoring
from softmax.training.fitting import Descent, Epoch, Hyperparameters
from softmax.training.scoring import Score

TOGETHER = 16  # models in a pass: with more, what they need leaves the processor's cache


class Outcome(NamedTuple):
    """The facts of a model, or why there is none; times as by time.time()."""

    facts: Mapping[Path, bytes]
    failure: str
    started: float
    ended: float


def plan(settings: Sequence[Train], processes: int) -> list[list[int]]:
    """The numbers of the settings that train together: those with the same batches and steps.

    No pass is so long that others of the `processes` have nothing to do.
    """
    most = min(TOGETHER, math.ceil(len(settings) / processes))
    sharing: dict[tuple[int | str, ...], list[int]] = {}
    for number, train in enumerate(settings):
        batches = (train.seed, train.batch_size, train.epochs, train.validation)
        same = (*batches, train.optimizer, train.schedule)
        sharing.setdefault(same, []).append(number)
    return [
        numbers[start : start + most]
        for numbers in sharing.values()
        for start in range(0, len(numbers), most)
    ]


def run(settings: Sequence[Params], where: str, processes: int) -> Iterator[tuple[int, Outcome]]:
    """Train all, in so many processes, and yield number and outcome of each as it is done.

    Raises WorkerError if one of the processes is killed.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=_begin) as pool:
        waiting = {
            pool.submit(train, [settings[number] for number in numbers], where): numbers
            for numbers in plan([one.train for one in settings], processes)
        }
        try:
            for future in as_completed(waiting):
                yield from zip(waiting[future], future.result(), strict=True)
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            if isinstance(error, BrokenProcessPool):
                raise WorkerError("a process was killed; sweep again, which goes on") from None
            raise


def train(settings: Sequence[Params], where: str) -> list[Outcome]:
    """Train models that share the batches on `where`, "cpu" or "cuda", and test them."""
    started = time.time()
    training, test = _sets(settings[0].download.dataset, where)
    kept, held_out = training.split(settings[0].train.validation)
    recipes = [Hyperparameters(**one.train.model_dump(exclude={"validation"})) for one in settings]
    histories: list[list[Epoch]] = [[] for _ in settings]
    thetas: dict[int, np.ndarray] = {}  # the last ones: those of all epochs could fill the memory
    failures: dict[int, str] = {}
    here = isinstance(kept.images, np.ndarray)
    descent = CompiledDescent(kept, recipes) if here else Descent(kept, recipes)
    for epochs in fitting.fit_together(descent, held_out):
        for k, epoch in enumerate(epochs):
            if isinstance(epoch, RangeError):
                failures.setdefault(k, str(epoch))
                thetas.pop(k, None)
            elif k not in failures:
                thetas[k] = epoch.theta
                histories[k].append(epoch._replace(theta=np.empty(0)))
    facts: dict[int, Mapping[Path, bytes]] = {}
    for k, sums in zip(thetas, _sums(thetas.values(), test), strict=True):
        try:
            score = scoring.judge(sums, len(test.labels))
            facts[k] = _facts(histories[k], thetas[k], score)
        except RangeError as error:
            failures[k] = str(error)
    ended = time.time()
    return [
        Outcome(facts.get(k, {}), failures.get(k, ""), started, ended) for k in range(len(settings))
    ]


def _sums(thetas: Iterable[np.ndarray], test: Dataset) -> Iterable[Array]:
    """Losses and right answers of each model on the test set, as scoring.sums gives them."""
    if not (stacked := list(thetas)):
        return []
    if isinstance(test.images, np.ndarray):
        return compiled.sums(np.stack(stacked), compiled.compress(test)).T
    xp, here = arrays.namespace(test.images), {"device": test.images.device}
    return scoring.sums(xp.asarray(np.stack(stacked), **here), test).T


def _facts(epochs: list[Epoch], theta: np.ndarray, test: Score) -> dict[Path, bytes]:
    """What the stages train and evaluate write of a model, but for single images and epochs."""
    return {
        paths.WEIGHTS: model.to_bytes(theta),
        paths.LOSSES: files.to_csv(history.losses(epochs)),
        paths.EPOCHS: files.to_csv(history.scores(epochs)),
        paths.TRAIN_METRICS: files.to_json(history.metrics(epochs[-1])),
        paths.TEST_METRICS: files.to_json(
            {"accuracy": test.accuracy, "loss": test.loss, "total": test.total}
        ),
    }


@functools.cache
def _sets(dataset: str, where: str) -> tuple[Dataset, Dataset]:
    """The training and the test set, once in each process."""
    training, test = catalog.training_files(dataset), catalog.test_files(dataset)
    return data.load(*training).to(where), data.load(*test).to(where)


def _begin() -> None:
    """Use one processor, and end with the process that sweeps, whatever ends that."""
    threadpoolctl.threadpool_limits(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # quietly
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
