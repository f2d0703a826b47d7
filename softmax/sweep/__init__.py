"""Many models at once, each with the bytes that it would have alone.

    grid      the settings that are asked for
    kernel    the lecture's loop, compiled, of many models at once
    compiled  gradient descent by that loop
    passes    those that share the batches, trained together, pass by pass in many threads
    shelf     what was trained, kept until a sweep that was broken off goes on
    ranking   which is best, by held-out images, and how much of it is the seed
    summary   that in words
    picture   all of them at a glance

Sums never round, so that models which share a product do not share anything else; tools/sweep.py
is the command.
"""
