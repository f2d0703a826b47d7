"""Evaluate the trained model on the test set."""

from softmax.analysis import evaluation, images, model_card
from softmax.core import arrays, batches, model
from softmax.errors import exits_cleanly
from softmax.pipeline import datasets, dvc_lock, files, params, paths
from softmax.pipeline.recorder import Recorder
from softmax.training import scoring


@exits_cleanly
def main() -> None:
    """Write test metrics, confusion matrix, predictions, prediction figures and model card."""
    config, recorder = params.load(), Recorder("evaluate")
    dataset = config.download.dataset
    entry, test = datasets.load()[dataset], batches.load(*datasets.test(dataset))
    dvc_lock.verify(paths.WEIGHTS)
    theta = model.load(paths.WEIGHTS, entry.size)
    with arrays.blas_threads(scoring.CHUNK):
        z, score = evaluation.logits(theta, test), scoring.score(theta, test)
    table = evaluation.predictions(z, model.softmax(z), test.labels)
    metrics, sha256 = evaluation.metrics(score, table), files.sha256(paths.WEIGHTS)
    outputs = {
        paths.MODEL_CARD: model_card.card(config, entry, sha256, metrics, table),
        paths.TEST_METRICS: files.to_json(metrics),
        paths.CONFUSION: files.to_csv(evaluation.named_pairs(table, entry.classes)),
        paths.PREDICTIONS: files.to_csv(table),
    }
    for k in config.evaluate.samples:
        pixels = test.images[k].reshape(entry.shape)
        figure = images.prediction_figure(k, pixels, int(test.labels[k]), z[:, k], entry.classes)
        outputs[paths.PREDICTION_FIGURES / f"{k}.svg"] = figure
    files.write(outputs, only_in=paths.PREDICTION_FIGURES)
    print(f"evaluate: {score.correct} of {score.total} correct, accuracy {score.accuracy:.2%}")
    recorder.log(config)


if __name__ == "__main__":
    main()
