"""Train many models at once, each with the same bytes as if it were trained alone.

    search_space   the configurations of a sweep
    kernel         the lecture's loop, compiled for many models at once
    compiled       gradient descent with this loop
    groups         groups of models that share batches, trained in several threads
    model_cache    trained models, kept so that interrupted sweeps can continue
    ranking        the best model by the validation set, and the spread over seeds

Sums never round, so models that share a matrix product do not affect each other.
"""
