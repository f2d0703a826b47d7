"""Gradient descent on the model of softmax/core.

    fitting      `fit`: epochs of shuffled batches, a score after each, and their tables
    state        the weights and the memory of the optimizer
    optimizers   SGD, momentum, Nesterov and Adam; schedules of the learning rate
    randomness   uniform numbers, permutations and initial weights, the same everywhere
    scoring      mean loss and accuracy
    launcher     the device and the worker processes

docs/layout.md explains how to add an optimizer.
"""
