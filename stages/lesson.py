"""Teach the lecture in two dimensions, with the model and the training of the images."""

import time

from softmax.core import model
from softmax.errors import exits_cleanly
from softmax.lesson import examples, figures, plane
from softmax.pipeline import files, params, paths
from softmax.pipeline.recorder import Recorder
from softmax.training import history


@exits_cleanly
def main() -> None:
    """Write the weights and their history, the points, the lecture's examples, and pictures."""
    started = time.time()
    settings = params.load()
    recorder = Recorder("lesson")
    data, lattice = plane.points(settings.lesson), plane.lattice()
    epochs = plane.fit(data, settings.lesson)
    theta, alone = epochs[-1].theta, plane.fit_logistic(data, settings.lesson)
    a, q = plane.probabilities(theta, lattice), plane.logistic(alone, lattice)

    metrics = plane.metrics(epochs[-1], a, q)
    files.write(
        {
            paths.LESSON_WEIGHTS: model.to_bytes(theta),
            paths.LESSON_EPOCHS: files.to_csv(history.scores(epochs)),
            paths.LESSON_METRICS: files.to_json(metrics),
            paths.LESSON_POINTS: files.to_csv(plane.table(data, theta, alone)),
            paths.LESSON_EXAMPLES: files.to_csv(examples.table(examples.examples())),
            paths.LESSON_FIGURES / "regions.svg": figures.forming(data, epochs),
            paths.LESSON_FIGURES / "probabilities.svg": figures.surfaces(a, q),
        }
    )
    print("lesson: loss {train_loss:.4f}, accuracy {train_accuracy:.2%}".format(**metrics))
    recorder.log(settings, started=started, ended=time.time())


if __name__ == "__main__":
    main()
