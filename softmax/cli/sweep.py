"""Train many models at once, each with the bytes that it would have alone."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from tqdm import tqdm

from softmax.pipeline import recorder
from softmax.sweep import model_cache, passes, ranking, search_space
from softmax.sweep.passes import Outcome
from softmax.sweep.ranking import Result
from softmax.sweep.search_space import Configuration
from softmax.training import launcher

if TYPE_CHECKING:
    from softmax.tracking import sweeps


def run(overrides: Sequence[str], *, json: bool) -> None:
    """Train what is not trained yet, show it in MLflow, and say which model is best."""
    config = search_space.read(overrides)
    passes.sets(config[0].params.download.dataset, "cpu")  # or say what is wrong
    results = train(config)
    if json:
        print(ranking.rank(results).to_json(orient="records", indent=2))
    else:
        print(ranking.write(results))


def train(config: Sequence[Configuration]) -> list[Result]:
    """The result of each setting: from the shelf, or else trained and put there; with its row."""
    where, read = launcher.choose(), model_cache.inputs()
    threads = launcher.wanted() or (1 if where == "cuda" else launcher.cpus())
    results = [Result(one, model_cache.directory(read, one.params)) for one in config]
    there = [result for result in results if result.directory.exists()]
    waiting = [result for result in results if not result.directory.exists()]

    def done(trained: Iterable[dict[int, Outcome]]) -> Iterator[Result]:
        yield from there
        for outcomes in trained:
            for number, outcome in outcomes.items():
                model_cache.keep(waiting[number].directory, outcome, read, where)
            yield from (waiting[number] for number in outcomes)

    chosen, best = [result.setting.params for result in waiting], 0.0
    with (
        passes.running(chosen, where, threads) as trained,
        tqdm(total=len(results), desc="sweep", unit="model", disable=None) as bar,
    ):
        rows = Rows(results)  # opens the store while the first models train
        for result in done(trained):
            rows.add(result)
            best = max(best, result.row().get(ranking.VALIDATION, 0))
            bar.set_postfix({"best": f"{best:.2%}"} if best else {})
            bar.update()
    rows.close()
    return results


class Rows:
    """The row of each model in MLflow, under one that shows them all, until MLflow fails."""

    def __init__(self, results: Sequence[Result]) -> None:
        self.results = results
        self.sweep: sweeps.Sweep | None = None
        with recorder.never_fails("sweep"):
            from softmax.tracking.sweeps import Sweep

            self.sweep = Sweep(results)

    def add(self, result: Result) -> None:
        """Add the row of a model, or complete it."""
        sweep, self.sweep = self.sweep, None
        with recorder.never_fails("sweep"):
            if sweep:
                sweep.add(result)
                self.sweep = sweep

    def close(self) -> None:
        """Show all of them in their parent."""
        with recorder.never_fails("sweep"):
            if self.sweep:
                self.sweep.close(ranking.rank(self.results), ranking.draw(self.results))
