"""Many models at once, each with the bytes that it would have alone.

    search_space   the hyperparameters that are asked for
    kernel         the lecture's loop, compiled, of many models at once
    compiled       gradient descent by that loop
    passes         those that share the batches, trained together, pass by pass in many threads
    model_cache    trained models, kept until a sweep that was broken off goes on
    ranking        which is best, by the validation set, and how much of it is the seed

Sums never round, so that models which share a product share nothing else.
"""
