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
    test = data.load(*catalog.verified(dataset, catalog.test_files(dataset)))
    lock.verify(paths.WEIGHTS)
    theta = model.load(paths.WEIGHTS, (data.CLASSES, test.images.shape[1]))
    params.check_samples(settings, len(test.labels))
    z = evaluation.logits(theta, test)
    a = model.softmax(z)
    table = evaluation.predictions(z, a, test.labels)
    score = scoring.score(theta, test)
    facts = {
        paths.TEST_METRICS: files.to_json(evaluation.metrics(score, table)),
        paths.CONFUSION: files.to_csv(
            table[["label", "prediction"]].set_axis(["actual", "predicted"], axis=1)
        ),
        paths.PREDICTIONS: files.to_csv(table),
    }
    for k in settings.evaluate.samples:
        card = cards.card(k, test.images[k], int(test.labels[k]), z[:, k], a[:, k])
        facts[paths.SAMPLE_CARDS / f"{k}.svg"] = card
    files.write(facts, only_in=paths.SAMPLE_CARDS)
    print(f"evaluate: {score.correct} of {score.total} right, accuracy {score.accuracy:.2%}")
    recorder.log("evaluation", settings)


if __name__ == "__main__":
    main()
