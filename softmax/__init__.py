"""Softmax regression whose results are the same bytes on every machine.

The packages, from the ground up; imports point down only (`[tool.importlinter]` in pyproject.toml):

    errors     what a user can fix, in one line
    core       the mathematics: exact sums, the model, batches, shares of workers
    training   gradient descent: optimizers, randomness, scores, epochs, devices and workers
    pipeline   params.yaml, datasets.yaml, dvc.lock, paths and files, the hook to MLflow
    data       data sets: downloaded and verified, or imported
    analysis   what trained models say of images, and how they differ
    report     the HTML file that shows and explains it all, with the 2-D example
    sweep      many models at once, each with the bytes of a single run
    tracking   what MLflow shows of them, on which no output depends
    cli        the commands that people run

To train in Python: `softmax.training.fitting.fit`, of `Hyperparameters` and of data that
`softmax.core.batches.load` reads; `softmax.core.model` has softmax, gradient and the weights' file.
Nothing is imported here, so that each stage depends on just what it names.
"""
