"""Train and explain softmax regression, with the same bytes on every machine.

Each package imports only packages above it in this list (`[tool.importlinter]` in pyproject.toml):

    errors     errors that a user can fix, printed without a traceback
    core       the mathematics: exact sums, the model, batches, workers' shares of batches
    training   gradient descent: optimizers, random numbers, scores, epochs, devices and workers
    pipeline   params.yaml, datasets.yaml, dvc.lock, paths and files, the hook to MLflow
    data       data sets: download, verification and import
    analysis   evaluation, figures, statistics and comparison of trained models
    report     the HTML report, with the 2-D example
    sweep      many models trained together, each with the same bytes as if trained alone
    tracking   logging to MLflow; no output depends on it
    cli        the commands

To train in Python, call `softmax.training.fitting.fit` with data sets from
`softmax.core.batches.load`. `softmax.core.model` contains the functions for the trained model.
This file imports nothing, so a stage depends only on the modules that the stage itself imports.
"""
