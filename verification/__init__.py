"""Recompute the results of dvc.lock in every configuration that this machine supports."""
