"""Train the lecture's two-dimensional example with the code that trains on images."""

from softmax.core import model
from softmax.errors import exits_cleanly
from softmax.pipeline import files, params, paths
from softmax.pipeline.recorder import Recorder
from softmax.report import examples
from softmax.training import fitting


@exits_cleanly
def main() -> None:
    """Write the weights, the scores of each epoch, points, the lecture's examples, and figures."""
    config, recorder = params.load(), Recorder("lesson")
    data, lattice = examples.points(config.lesson), examples.lattice()
    epochs = examples.fit(data, config.lesson)
    theta, alone = epochs[-1].theta, examples.fit_logistic(data, config.lesson)
    a, q = examples.probabilities(theta, lattice), examples.logistic(alone, lattice)

    metrics = examples.metrics(epochs[-1], a, q)
    files.write(
        {
            paths.LESSON_WEIGHTS: model.to_bytes(theta),
            paths.LESSON_EPOCHS: files.to_csv(fitting.scores(epochs)),
            paths.LESSON_METRICS: files.to_json(metrics),
            paths.LESSON_POINTS: files.to_csv(examples.points_table(data, theta, alone)),
            paths.LESSON_EXAMPLES: files.to_csv(examples.examples_table(examples.examples())),
            paths.LESSON_FIGURES / "regions.svg": examples.forming(data, epochs),
            paths.LESSON_FIGURES / "probabilities.svg": examples.surfaces(a, q),
        }
    )
    print("lesson: loss {train_loss:.4f}, accuracy {train_accuracy:.2%}".format(**metrics))
    recorder.log(config)


if __name__ == "__main__":
    main()
