"""Implement the commands that `python -m softmax --help` lists.

app       the command line: commands, arguments, options and their help
pipeline  run, resolve
data      data add
sweep, compare, predict, track, ui, onnx: one command each
"""
