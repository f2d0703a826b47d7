"""Where it is computed, which changes no result: the environment chooses, not params.yaml.

device     DEVICE: the CPU or a GPU
torchrun   WORKERS: processes on one machine or several, their start and their meeting
"""
