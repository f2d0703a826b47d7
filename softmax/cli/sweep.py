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
from softmax.sweep import groups, model_cache, ranking, search_space
from softmax.sweep.groups import Outcome
from softmax.sweep.ranking import Result
from softmax.sweep.search_space import Configuration
from softmax.training import launcher, scoring

if TYPE_CHECKING:
    from softmax.tracking import sweeps


def run(
    values: Sequence[str], trials: int | None, seed: int, *, halving: bool, as_json: bool
) -> None:
    """Train the models that are not in the cache, log them to MLflow, and print the ranking."""
    if bare := [value for value in values if "=" not in value]:  # Hydra's error has no remedy
        raise ParamsError(f"sweep: {bare[0]}: no values. Use, for example, train.seed=0,1.")
    chosen: dict[str, list[Configuration]] = {}  # by data set, because each has its own ranking
    for config in search_space.read(values, trials, seed):
        chosen.setdefault(config.params.download.dataset, []).append(config)
    for dataset in chosen:
        if not datasets.directory(dataset).exists():
            files.write(sources.fetch(dataset)[0])
        groups.sets(dataset, "cpu")  # raises an error for invalid data
    trained = {name: train(halve(x) if halving else x) for name, x in chosen.items()}
    if as_json:
        rows = [x[k].row() for x in trained.values() for k in ranking.rank(x).index]
        print(json.dumps(rows, indent=2))
        return
    for name, results in trained.items():
        heading = f"{name}\n\n" if len(trained) > 1 else ""
        text = ranking.write(results, chosen[name], "pipe" if sys.stdout.isatty() else "simple")
        best = ranking.best(results)
        show(heading + text, best.row()[ranking.WEIGHTS][: ranking.DIGITS] if best else "\0")
        if best:
            print(f"\nTo train the best model: dvc exp run {best.configuration.options()}")


def halve(configs: Sequence[Configuration]) -> Sequence[Configuration]:
    """Return the configurations that successive halving trains for all epochs.

    All train for a few epochs, then the half with the lower validation loss trains for twice as
    many, and so on. Each round trains from the start, because memory might not hold all models.
    Raise ParamsError if the validation sets differ. Source: Jamieson and Talwalkar, AISTATS 2016.
    """
    if len(sizes := {config.params.train.validation for config in configs}) > 1 or sizes == {0}:
        hint = ranking.hint(configs[0].params)
        raise ParamsError(f"sweep: --halving needs one validation set for all models.{hint}")
    epochs = max(config.params.train.epochs for config in configs)
    for times in range(min(len(configs), epochs).bit_length() - 1, 0, -1):
        rows = [result.row() for result in train(configs, epochs >> times)]
        order = sorted(range(len(rows)), key=lambda k: rows[k].get("validation_loss", math.inf))
        configs = [configs[k] for k in sorted(order[: math.ceil(len(order) / 2)])]
    return configs


def train(configs: Sequence[Configuration], after: int | None = None) -> list[Result]:
    """Return the result of each configuration, trained or from the cache, and log it to MLflow.

    With `after`, stop after that many epochs and log nothing. A simultaneous sweep of the same
    configurations waits for this one, so no run is logged twice.
    """
    device = launcher.choose()
    inputs = model_cache.inputs(configs[0].params.download.dataset)
    results = [Result(one, model_cache.directory(inputs, one.params, after)) for one in configs]
    key = model_cache.key(result.directory for result in results)
    with FileLock(model_cache.CACHE_DIRECTORY / f"{key}.lock"):
        _complete(results, device, inputs, after)
    return results


def _complete(
    results: Sequence[Result], device: str, inputs: dict[str, str], after: int | None
) -> None:
    """Train the models that are not in the cache; log all models unless `after` is given."""
    threads = launcher.wanted() or (1 if device == "cuda" else launcher.cpus())
    cached = [result for result in results if result.directory.exists()]
    missing = [result for result in results if not result.directory.exists()]

    def completed(trained: Iterable[dict[int, Outcome]]) -> Iterator[Result]:
        yield from cached
        for outcomes in trained:
            for number, outcome in outcomes.items():
                model_cache.keep(missing[number].directory, outcome, inputs, device)
            yield from (missing[number] for number in outcomes)

    desc = f"sweep, {after} epochs" if after else "sweep"
    chosen, best = [result.configuration.params for result in missing], 0.0
    with (
        arrays.blas_threads(scoring.CHUNK),
        groups.running(chosen, device, threads, after) as trained,
        Runs([] if after else results) as runs,  # connects to MLflow while the first models train
        tqdm(total=len(results), desc=desc, unit="model", disable=None) as bar,
    ):
        for result in completed(trained):
            runs.add(result)
            best = max(best, result.row().get(ranking.VALIDATION, 0))
            bar.set_postfix({"best": f"{best:.2%}"} if best else {})
            bar.update()


class Runs:
    """Log a run for each model, under one parent run, until MLflow fails."""

    def __init__(self, results: Sequence[Result]) -> None:
        self.sweep: sweeps.Sweep | None = None
        if results:
            gc.disable()  # garbage collection would take a third of the time of the imports
            try:
                with recorder.never_fails("sweep"):
                    from softmax.tracking.sweeps import Sweep

                    self.sweep = Sweep(results)
            finally:
                gc.freeze()  # scanning MLflow's modules for garbage takes a tenth of a sweep
                gc.enable()

    def __enter__(self) -> Self:
        return self

    def add(self, result: Result) -> None:
        """Add the run of a model, or complete it."""
        sweep, self.sweep = self.sweep, None  # None after an error, so there is one warning
        with recorder.never_fails("sweep"):
            if sweep:
                sweep.add(result)
            self.sweep = sweep

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Log all results to the parent run, or mark it as killed or failed."""
        with recorder.never_fails("sweep"):
            if self.sweep and kind:
                self.sweep.end("KILLED" if kind is KeyboardInterrupt else "FAILED")
            elif self.sweep:
                self.sweep.close()
