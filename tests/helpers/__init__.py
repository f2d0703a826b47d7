"""Provide a small data set, a tiny workspace, clones, MLflow stores and servers to tests."""
