"""Softmax regression whose results are the same bytes on every machine.

The rooms, from the ground up; arrows of imports point down only (tests/project/test_layers.py):

    errors       what a user can fix, in one line
    core         the mathematics: exact sums, the model, data, shares of workers
    training     gradient descent: optimizers, randomness, scores, the epochs and their history
    pipeline     params.yaml, datasets.yaml, paths and files, the door to MLflow
    machine      the device and the processes that compute, which change no result
    sources      where the data come from
    pinning      what people have, as a data set that is pinned
    results      what a trained model says of the test set, and pictures of it
    prediction   what it says of images of one's own
    lesson       the lecture in two dimensions
    page         the HTML file that shows and explains it all
    provenance   what git and dvc.lock know of trained models
    sweep        many models at once, each with the bytes of a single run
    tracking     what MLflow shows of them: events, on which no fact depends
    cli          the commands that people run

To train in Python: `softmax.training.fitting.fit`, of `Hyperparameters` and of data that
`softmax.core.data.load` reads; `softmax.core.model` has softmax, gradient and the weights' file.
Nothing is imported here, so that each stage depends on just what it names.
"""
