"""Judge the trained model on the test set."""

from softmax import cards, data, evaluation, files, model, params, paths, tracking
from softmax.errors import DataError, exits_cleanly
from softmax.scoring import score


@exits_cleanly
def main() -> None:
    """Write the test metrics, the confusion, every prediction, and cards of single images."""
    settings = params.load()
    theta = model.load(paths.WEIGHTS)
    test = data.load_test(settings.download.dataset)
    samples = settings.evaluate.samples
    if max(samples, default=0) >= len(test.labels):
        raise DataError(
            f"params.yaml: evaluate.samples names image {max(samples)}, but the test set ends "
            f"at {len(test.labels) - 1}"
        )

    loss, correct, total = score(theta, test)
    z = evaluation.logits(theta, test)
    table = evaluation.predictions(z, test.labels)
    metrics = {
        "accuracy": correct / total,
        "correct": correct,
        "total": total,
        "loss": loss,
        **evaluation.per_class(evaluation.confusion(table)),
    }
    pairs = table[["label", "prediction"]].set_axis(["actual", "predicted"], axis=1)
    files.write(
        {
            paths.TEST_METRICS: files.to_json(metrics),
            paths.CONFUSION: files.to_csv(pairs),
            paths.PREDICTIONS: files.to_csv(table),
        }
        | {
            paths.SAMPLE_CARDS / f"{k}.svg": cards.card(
                k, test.images[k], int(test.labels[k]), z[:, k], model.softmax(z)[:, k]
            )
            for k in samples
        },
        only_in=paths.SAMPLE_CARDS,
    )
    print(f"evaluate: {correct} of {total} test images right, accuracy {correct / total:.2%}")
    tracking.log_evaluation(settings)


if __name__ == "__main__":
    main()
