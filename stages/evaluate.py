"""Judge the trained model on the test set."""

from softmax.core import data, model
from softmax.errors import exits_cleanly
from softmax.pipeline import catalog, files, params, paths, recorder
from softmax.provenance import lock
from softmax.results import cards, evaluation
from softmax.training import scoring


@exits_cleanly
def main() -> None:
    """Write the test metrics, the confusion, every prediction, and cards of single images."""
    settings = params.load()
    dataset = settings.download.dataset
    pinned, test = catalog.load()[dataset], data.load(*catalog.test(dataset))
    lock.verify(paths.WEIGHTS)
    theta = model.load(paths.WEIGHTS, pinned.size)
    z = evaluation.logits(theta, test)
    a = model.softmax(z)
    table = evaluation.predictions(z, a, test.labels)
    score = scoring.score(theta, test)
    facts = {
        paths.TEST_METRICS: files.to_json(evaluation.metrics(score, table)),
        paths.CONFUSION: files.to_csv(evaluation.confusion(table, pinned.classes)),
        paths.PREDICTIONS: files.to_csv(table),
    }
    for k in settings.evaluate.samples:
        pixels = test.images[k].reshape(pinned.shape)
        card = cards.card(k, pixels, int(test.labels[k]), z[:, k], pinned.classes)
        facts[paths.SAMPLE_CARDS / f"{k}.svg"] = card
    files.write(facts, only_in=paths.SAMPLE_CARDS)
    print(f"evaluate: {score.correct} of {score.total} right, accuracy {score.accuracy:.2%}")
    recorder.log("evaluation", settings)


if __name__ == "__main__":
    main()
