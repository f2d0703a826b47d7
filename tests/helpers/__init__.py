"""Helpers of the tests: a small data set, a tiny workspace, clones, MLflow stores and servers."""
