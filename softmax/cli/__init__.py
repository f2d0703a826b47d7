"""The commands for users, besides DVC's: `python -m softmax --help` lists them.

app       the interface: commands, arguments, options and their help
pipeline  run, resolve
data      data add
sweep, compare, predict, track, ui, onnx: a module for each command
"""
