"""The proof by experiment: the locked results again, in every way that this machine can compute."""
