"""Train the model of softmax/core by gradient descent.

    fitting      `fit`: epochs of shuffled batches, scores after each epoch, tables of results
    state        the weights and the memory of the optimizer
    optimizers   SGD, momentum, Nesterov and Adam; learning-rate schedules
    randomness   uniform numbers, permutations and initial weights, the same everywhere
    scoring      mean loss and accuracy
    launcher     the device and the worker processes

docs/layout.md explains how to add an optimizer.
"""
