"""Compute the results of dvc.lock again, in every way that this machine supports."""
