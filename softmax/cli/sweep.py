"""Train many models at once, each with the same bytes as if it were trained alone."""

import gc
import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Self

from filelock import FileLock
from tqdm import tqdm

from softmax.cli.app import show
from softmax.core import arrays
from softmax.data import sources
from softmax.errors import ParamsError
from softmax.pipeline import datasets, files, recorder
from softmax.sweep import model_cache, passes, ranking, search_space
from softmax.sweep.passes import Outcome
from softmax.sweep.ranking import Result
from softmax.sweep.search_space import Configuration
from softmax.training import launcher, scoring

if TYPE_CHECKING:
    from softmax.tracking import sweeps


def run(
    values: Sequence[str], trials: int | None, seed: int, *, halving: bool, as_json: bool
) -> None:
    """Train the models that are not in the cache, log them to MLflow, and print the ranking."""
    tried: dict[str, list[Configuration]] = {}  # by data set, each with its own ranking
    for one in search_space.read(values, trials, seed):
        tried.setdefault(one.params.download.dataset, []).append(one)
    for dataset in tried:
        if not datasets.directory(dataset).exists():
            files.write(sources.fetch(dataset)[0])
        passes.sets(dataset, "cpu")  # raises an error for invalid data
    found = {name: train(halve(some) if halving else some) for name, some in tried.items()}
    if as_json:
        ranked = [some[k].row() for some in found.values() for k in ranking.rank(some).index]
        print(json.dumps(ranked, indent=2))
        return
    for name, some in found.items():
        heading = f"{name}\n\n" if len(found) > 1 else ""
        text = ranking.write(some, tried[name], "pipe" if sys.stdout.isatty() else "simple")
        best = ranking.best(some)
        show(heading + text, best.row()[ranking.WEIGHTS][: ranking.DIGITS] if best else "\0")
        if best:
            print(f"\nTo train the best model: dvc exp run {best.setting.options()}")


def halve(config: Sequence[Configuration]) -> Sequence[Configuration]:
    """Return the configurations that successive halving leaves to train for all epochs.

    All train for a few epochs, the half with the lower validation loss for twice as many, and so
    on. Each round trains from the start, since all models might not fit in memory.
    Source: Jamieson and Talwalkar, AISTATS 2016.
    """
    if len(sizes := {one.params.train.validation for one in config}) > 1 or sizes == {0}:
        hint = ranking.hint(config[0].params)
        raise ParamsError(f"sweep: --halving needs one validation set for all models.{hint}")
    epochs = max(one.params.train.epochs for one in config)
    for times in range(min(len(config), epochs).bit_length() - 1, 0, -1):
        rows = [result.row() for result in train(config, epochs >> times)]
        order = sorted(range(len(rows)), key=lambda k: rows[k].get("validation_loss", math.inf))
        config = [config[k] for k in sorted(order[: math.ceil(len(order) / 2)])]
    return config


def train(config: Sequence[Configuration], after: int | None = None) -> list[Result]:
    """Return the result of each configuration, from the cache or trained, and log it to MLflow.

    With `after`, train for that many epochs and do not log. A second sweep of the same
    configurations waits for the first, so it adds no second run.
    """
    where = launcher.choose()
    read = model_cache.inputs(config[0].params.download.dataset)
    results = [Result(one, model_cache.directory(read, one.params, after)) for one in config]
    key = model_cache.key(result.directory for result in results)
    with FileLock(model_cache.PLACE / f"{key}.lock"):
        _complete(results, where, read, after)
    return results


def _complete(
    results: Sequence[Result], where: str, read: dict[str, str], after: int | None
) -> None:
    """Train on `where` what is not in the cache, and log all unless they end `after` few epochs."""
    threads = launcher.wanted() or (1 if where == "cuda" else launcher.cpus())
    there = [result for result in results if result.directory.exists()]
    waiting = [result for result in results if not result.directory.exists()]

    def done(trained: Iterable[dict[int, Outcome]]) -> Iterator[Result]:
        yield from there
        for outcomes in trained:
            for number, outcome in outcomes.items():
                model_cache.keep(waiting[number].directory, outcome, read, where)
            yield from (waiting[number] for number in outcomes)

    desc = f"sweep, {after} epochs" if after else "sweep"
    chosen, best = [result.setting.params for result in waiting], 0.0
    with (
        arrays.blas_threads(scoring.CHUNK),
        passes.running(chosen, where, threads, after) as trained,
        Rows([] if after else results) as rows,  # opens the store while the first models train
        tqdm(total=len(results), desc=desc, unit="model", disable=None) as bar,
    ):
        for result in done(trained):
            rows.add(result)
            best = max(best, result.row().get(ranking.VALIDATION, 0))
            bar.set_postfix({"best": f"{best:.2%}"} if best else {})
            bar.update()


class Rows:
    """Log a run for each model, under one parent run, until MLflow fails."""

    def __init__(self, results: Sequence[Result]) -> None:
        self.sweep: sweeps.Sweep | None = None
        if results:
            with recorder.never_fails("sweep"):
                from softmax.tracking.sweeps import Sweep

                self.sweep = Sweep(results)
                gc.freeze()  # looking through MLflow's modules again takes a tenth of a sweep

    def __enter__(self) -> Self:
        return self

    def add(self, result: Result) -> None:
        """Add the run of a model, or complete it."""
        sweep, self.sweep = self.sweep, None
        with recorder.never_fails("sweep"):
            if sweep:
                sweep.add(result)
            self.sweep = sweep

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Show all results in the parent run, or that the sweep ended early."""
        with recorder.never_fails("sweep"):
            if self.sweep and kind:
                self.sweep.end("KILLED" if kind is KeyboardInterrupt else "FAILED")
            elif self.sweep:
                self.sweep.close()
