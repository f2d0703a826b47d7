"""Softmax regression whose results are the same bytes on every machine."""
