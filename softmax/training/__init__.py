"""Gradient descent on the model of softmax/core.

    fitting          `fit`: epochs of shuffled batches, and a score after each
    state            what a step changes
    initialization   the weights before the first step
    optimizers       SGD, momentum, Nesterov and Adam; schedules of the learning rate
    randomness       uniform numbers and permutations, the same everywhere
    scoring          mean loss and accuracy
    history          the epochs as tables and as final metrics

To add an optimizer: docs/layout.md.
"""
