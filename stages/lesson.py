"""Teach the lecture in two dimensions, with the model and the training of the images."""

import time

from softmax import examples, figures, files, history, lesson, model, params, paths
from softmax.errors import exits_cleanly
from softmax.recorder import Recorder


@exits_cleanly
def main() -> None:
    """Write the weights and their history, the points, the lecture's examples, and pictures."""
    started = time.time()
    settings = params.load()
    recorder = Recorder("lesson")
    data, lattice = lesson.points(settings.lesson), lesson.lattice()
    epochs = lesson.fit(data, settings.lesson)
    theta, alone = epochs[-1].theta, lesson.fit_logistic(data, settings.lesson)
    a, q = lesson.probabilities(theta, lattice), lesson.logistic(alone, lattice)

    shown = examples.examples()
    distance = examples.distance_to_torch(shown)
    metrics = lesson.metrics(epochs[-1], a, q)
    files.write(
        {
            paths.LESSON_WEIGHTS: model.to_bytes(theta),
            paths.LESSON_EPOCHS: files.to_csv(history.scores(epochs)),
            paths.LESSON_METRICS: files.to_json(metrics),
            paths.LESSON_POINTS: files.to_csv(lesson.table(data, theta, alone)),
            paths.LESSON_EXAMPLES: files.to_csv(examples.table(shown)),
            paths.LESSON_FIGURES / "regions.svg": figures.forming(data, epochs),
            paths.LESSON_FIGURES / "probabilities.svg": figures.surfaces(a, q),
        }
    )
    print(
        "lesson: loss {train_loss:.4f}, accuracy {train_accuracy:.2%};".format(**metrics),
        f"the examples are within {distance:.1e} of torch",
    )
    recorder.log(settings, started=started, ended=time.time())


if __name__ == "__main__":
    main()
