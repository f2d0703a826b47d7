"""Train many models at once, each with the bytes that it would have alone. Not a stage of DVC.

python -m tools.sweep -S train.learning_rate=0.001,0.01 -S 'train.seed=range(0,8)'
"""

import argparse
import os
from collections.abc import Sequence

from tqdm import tqdm

from softmax.errors import exits_cleanly
from softmax.machine import device, torchrun
from softmax.pipeline import recorder
from softmax.sweep import grid, passes, ranking, shelf, summary
from softmax.sweep.grid import Setting
from softmax.sweep.ranking import Result


@exits_cleanly
def main() -> None:
    """Train what is not trained yet, show it in MLflow, and say which model is best."""
    parser = argparse.ArgumentParser(prog="tools.sweep")
    parser.add_argument("-S", "--set-param", action="append", required=True, metavar="KEY=VALUES")
    parser.add_argument("--json", action="store_true", help="print all results, for machines")
    options = parser.parse_args()
    settings = grid.read(options.set_param)
    passes.sets(settings[0].params.download.dataset, "cpu")  # or say what is wrong
    results = train(settings)
    with recorder.never_fails("sweep"):
        log(results)
    if options.json:
        print(ranking.rank(results).to_json(orient="records", indent=2))
    else:
        print(summary.write(results))


def train(settings: Sequence[Setting]) -> list[Result]:
    """The result of each setting: from the shelf, or else trained and put there."""
    where, read = device.choose(), shelf.inputs()
    threads = torchrun.wanted() or (1 if where == "cuda" else os.cpu_count() or 1)
    results = [Result(one, shelf.folder(read, one.params)) for one in settings]
    waiting = [result for result in results if not result.folder.exists()]
    best, there = 0.0, len(results) - len(waiting)
    with tqdm(total=len(results), initial=there, desc="sweep", unit="model", disable=None) as bar:
        chosen = [result.setting.params for result in waiting]
        for number, outcome in passes.run(chosen, where, threads):
            result = waiting[number]
            shelf.keep(result.folder, outcome, read, where)
            best = max(best, result.row().get(ranking.VALIDATION, 0))
            bar.set_postfix({"best": f"{best:.2%}"} if best else {})
            bar.update()
    return results


def log(results: Sequence[Result]) -> None:
    """Give each model its row in MLflow, under one that shows them all."""
    from softmax.sweep import picture
    from softmax.tracking.sweeps import Sweep

    table, keys = ranking.rank(results), ranking.varied(results)
    sweep = Sweep(results)
    for result in tqdm(results, desc="MLflow", unit="row", disable=None):
        sweep.add(result)
    metric = ranking.VALIDATION if ranking.has_a_judge(results) else ranking.TEST
    sweep.close(table, picture.draw(table, keys, metric))


if __name__ == "__main__":
    main()
